"""The item of the prediction log's table, as PynamoDB sees it. It never leaves this folder."""

from __future__ import annotations

from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from presage.adapters.dynamo.connection import CONNECT_TIMEOUT_SECONDS, POOL_SIZE, READ_TIMEOUT_SECONDS, RETRIES


class ByModelDay(GlobalSecondaryIndex["PredictionItem"]):  # type: ignore[no-untyped-call]
    """Predictions of a model and UTC day, spread over shards so that no partition gets hot."""

    class Meta:
        """The index as the stack makes it."""

        index_name = "by_model_day"
        projection = AllProjection()

    model_day_shard = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class ByEntity(GlobalSecondaryIndex["PredictionItem"]):  # type: ignore[no-untyped-call]
    """Predictions of an entity. Sparse: predictions without an entity are not in it."""

    class Meta:
        """The index as the stack makes it."""

        index_name = "by_entity"
        projection = AllProjection()

    entity_shard = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class PredictionItem(Model):
    """One prediction. `request`, `features` and `result` are JSON text: DynamoDB's numbers are decimals, ours are floats.

    With an `overflow_key` they are in an object of that key.
    """

    class Meta:
        """Filled by `bind` before the first call: PynamoDB reads it once."""

        table_name = ""
        connect_timeout_seconds = CONNECT_TIMEOUT_SECONDS
        read_timeout_seconds = READ_TIMEOUT_SECONDS
        max_retry_attempts = RETRIES
        max_pool_connections = POOL_SIZE

    prediction_id = UnicodeAttribute(hash_key=True)
    workspace_id = UnicodeAttribute()
    model_id = UnicodeAttribute()
    model_version = NumberAttribute(null=True)
    entity_id = UnicodeAttribute(null=True)
    variant = UnicodeAttribute()
    experiment_id = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()
    predicted_for = UnicodeAttribute()
    request = UnicodeAttribute()
    features = UnicodeAttribute()
    result = UnicodeAttribute()
    model_day_shard = UnicodeAttribute()
    entity_shard = UnicodeAttribute(null=True)
    expires_at = NumberAttribute()
    overflow_key = UnicodeAttribute(null=True)
    basis = UnicodeAttribute(null=True)
    by_model_day: ClassVar[ByModelDay] = ByModelDay()
    by_entity: ClassVar[ByEntity] = ByEntity()


def bind(table_name: str) -> None:
    """Make `PredictionItem` work on this table from now on, on a connection of its own."""
    PredictionItem.Meta.table_name = table_name
    PredictionItem._connection = None  # noqa: SLF001 - PynamoDB offers no other way to leave a table
