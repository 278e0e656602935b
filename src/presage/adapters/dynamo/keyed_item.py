"""The item of the table of idempotency keys, as PynamoDB sees it. It never leaves this folder."""

from __future__ import annotations

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from presage.adapters.dynamo.connection import CONNECT_TIMEOUT_SECONDS, POOL_SIZE, READ_TIMEOUT_SECONDS, RETRIES


class KeyedItem(Model):
    """A call's claim on its key and, once it was answered, the answer. `body` is zstd, or in an object of `overflow_key`."""

    class Meta:
        """Filled by `bind` before the first call: PynamoDB reads it once."""

        table_name = ""
        connect_timeout_seconds = CONNECT_TIMEOUT_SECONDS
        read_timeout_seconds = READ_TIMEOUT_SECONDS
        max_retry_attempts = RETRIES
        max_pool_connections = POOL_SIZE

    call_key = UnicodeAttribute(hash_key=True)
    fingerprint = UnicodeAttribute()
    holder = UnicodeAttribute()
    lease_until = NumberAttribute()
    expires_at = NumberAttribute()
    status = NumberAttribute(null=True)
    content_type = UnicodeAttribute(null=True)
    body = BinaryAttribute(null=True, legacy_encoding=False)
    overflow_key = UnicodeAttribute(null=True)


def bind(table_name: str) -> None:
    """Make `KeyedItem` work on this table from now on, on a connection of its own."""
    KeyedItem.Meta.table_name = table_name
    KeyedItem._connection = None  # noqa: SLF001 - PynamoDB offers no other way to leave a table
