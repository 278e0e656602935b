"""Where the bulk of an item goes that is larger than DynamoDB takes: an object of the lake, below the item's workspace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

import msgspec

from presage.adapters.client import translate_errors
from presage.predictions.ports import PredictionLogEntry

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

LARGEST_BULK_BYTES = 380_000
"""DynamoDB's limit is 400 KB (409,600 bytes) an item, names of attributes and keys of indexes included."""
OVERFLOW_TAG = "presage=prediction"
"""What the lake's lifecycle selects the objects by that go when their items do."""


class Bulk(msgspec.Struct, frozen=True):
    """The parts of an entry that callers make large, as JSON texts."""

    request: str
    features: str
    result: str


@dataclass(frozen=True, slots=True)
class Overflow:
    """Keeps the bulk of large entries in a bucket."""

    lake_bucket: str
    s3: S3Client

    def put_if_large(self, entry: PredictionLogEntry) -> tuple[Bulk, str | None]:
        """Return the bulk for the entry's item; when it was put as an object instead, empty texts and the object's key.

        Raises:
            UnavailableError: S3 did not take it.
        """
        request, features, result = (msgspec.json.encode(part) for part in (entry.request, entry.features, entry.result))
        bulk = Bulk(request.decode(), features.decode(), result.decode())
        if len(request) + len(features) + len(result) <= LARGEST_BULK_BYTES:
            return bulk, None
        key = f"ws={entry.workspace_id}/predictions/{entry.created_at.astimezone(UTC):%Y-%m-%d}/{entry.prediction_id}.json"
        body = msgspec.json.encode(bulk)
        with translate_errors(f"put {key}"):
            self.s3.put_object(Bucket=self.lake_bucket, Key=key, Body=body, ContentType="application/json", Tagging=OVERFLOW_TAG)
        return Bulk("{}", "{}", "{}"), key

    def get(self, key: str) -> Bulk:
        """Return what `put_if_large` put under `key`.

        Raises:
            UnavailableError: S3 did not answer.
        """
        with translate_errors(f"get {key}"):
            body = self.s3.get_object(Bucket=self.lake_bucket, Key=key)["Body"].read()
        return msgspec.json.decode(body, type=Bulk)
