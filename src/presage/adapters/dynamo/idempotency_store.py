"""Answers under idempotency keys, in DynamoDB."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec
import zstandard
from pynamodb.exceptions import DeleteError, PutError
from pynamodb.expressions.condition import Condition

from presage.adapters.client import translate_errors
from presage.adapters.dynamo.connection import CONDITION_FAILED, read_code, translated
from presage.adapters.dynamo.keyed_item import KeyedItem, bind
from presage.errors import UnavailableError
from presage.tenancy.keyed_call import Answer, Claim, Held

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

LARGEST_BODY_BYTES = 380_000
"""Of a compressed answer in its item; DynamoDB's limit is 400 KB (409,600 bytes) with names and all."""
STAGING_TAG = "presage=staging"
"""What the lake's lifecycle selects the objects by that go after some weeks."""
LEVEL = 3
ATTEMPTS = 3
"""An item that goes between the refused claim and the look at what holds the key is asked for again."""


class DynamoIdempotencyStore:
    """`IdempotencyStore` on a table, whose time to live removes a key some time after it is free. Large answers go to the lake."""

    def __init__(self, table_name: str, *, lake_bucket: str, s3: S3Client) -> None:
        """Bind the process to `table_name`; region, keys and endpoint come from the machine around it."""
        bind(table_name)
        self._lake_bucket = lake_bucket
        self._s3 = s3

    def claim(self, claim: Claim) -> Held | None:
        """Take the key and return None, or return what holds it. Idempotency: an attempt that has it already gets it again."""
        name, instant = _name(claim), claim.taken_at.timestamp()
        same_call = KeyedItem.fingerprint == claim.call.fingerprint
        lapsed = KeyedItem.status.does_not_exist() & (KeyedItem.lease_until <= instant) & same_call
        free = KeyedItem.call_key.does_not_exist() | (KeyedItem.expires_at <= instant) | lapsed
        for _ in range(ATTEMPTS):
            if self._put(_build_item(claim), free):
                return None
            try:
                with translated():
                    item = KeyedItem.get(name, consistent_read=True)
            except KeyedItem.DoesNotExist:
                continue
            if item.holder == claim.holder:
                return None
            return Held(item.fingerprint, self._read_answer(item))
        raise UnavailableError("The idempotency key changes hands too fast")

    def keep(self, claim: Claim, answer: Answer) -> None:
        """Keep the answer, unless the claim was lost."""
        item = _build_item(claim)
        body = zstandard.ZstdCompressor(level=LEVEL).compress(answer.body)
        item.status, item.content_type = answer.status, answer.content_type
        if len(body) <= LARGEST_BODY_BYTES:
            item.body = body
        else:
            item.overflow_key = key = f"ws={claim.call.workspace_id}/staging/answers/{claim.holder}.zst"
            with translate_errors(f"put {key}"):
                self._s3.put_object(Bucket=self._lake_bucket, Key=key, Body=body, Tagging=STAGING_TAG)
        self._put(item, KeyedItem.holder == claim.holder)

    def release(self, claim: Claim) -> None:
        """Free the key, unless the claim was lost."""
        try:
            with translated():
                _build_item(claim).delete(KeyedItem.holder == claim.holder)
        except DeleteError as error:
            if read_code(error) != CONDITION_FAILED:
                raise

    def _put(self, item: KeyedItem, condition: Condition) -> bool:
        try:
            with translated():
                item.save(condition)
        except PutError as error:
            if read_code(error) == CONDITION_FAILED:
                return False
            raise
        return True

    def _read_answer(self, item: KeyedItem) -> Answer | None:
        if item.status is None:
            return None
        body = item.body
        if item.overflow_key is not None:
            with translate_errors(f"get {item.overflow_key}"):
                body = self._s3.get_object(Bucket=self._lake_bucket, Key=item.overflow_key)["Body"].read()
        return Answer(int(item.status), item.content_type or "", zstandard.ZstdDecompressor().decompress(body))


def _build_item(claim: Claim) -> KeyedItem:
    return KeyedItem(
        call_key=_name(claim),
        fingerprint=claim.call.fingerprint,
        holder=claim.holder,
        lease_until=claim.lease_until.timestamp(),
        expires_at=int(claim.expires_at.timestamp()),
    )


def _name(claim: Claim) -> str:
    """Return the workspace and a hash, as a route may be longer than a key may."""
    call = claim.call
    return f"{call.workspace_id}#{hashlib.sha256(msgspec.json.encode((call.route, call.key))).hexdigest()}"
