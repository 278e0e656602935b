"""Batches of records on an SQS queue; a large one waits in the lake and its message points there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from presage.adapters.client import translate_errors
from presage.adapters.sqs.group_commit import GroupCommit
from presage.adapters.sqs.packing import pack, unpack
from presage.errors import InvalidInputError
from presage.features.keys import build_staging_key, is_staging_key
from presage.features.messages import BatchMessage, decode_batch, decode_pointer, encode_pointer
from presage.features.records import RecordBatch

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

MAX_MESSAGE_BYTES = 200_000
STAGING_TAG = "presage=staging"
"""What the lake's lifecycle selects the objects by that may go; it must outlast the dead-letter queue's retention."""


class SqsRecordQueue:
    """`RecordQueue` on SQS, with the lake for batches over `MAX_MESSAGE_BYTES`. Batches of requests at once share calls of SQS."""

    def __init__(self, messages: GroupCommit, lake_bucket: str, *, s3: S3Client) -> None:
        """Publish through `messages`, stage in `lake_bucket`."""
        self._messages = messages
        self._lake_bucket = lake_bucket
        self._s3 = s3

    def publish_batch(self, message: BatchMessage) -> None:
        """Return once the batch is durable, or raise `UnavailableError`."""
        body = pack(message.body)
        if len(body) > MAX_MESSAGE_BYTES:
            key = build_staging_key(message.workspace_id, message.dataset_id, message.batch_id)
            with translate_errors(f"stage {key}"):
                self._s3.put_object(Bucket=self._lake_bucket, Key=key, Body=body, ContentType="application/json", Tagging=STAGING_TAG)
            body = encode_pointer(key)
        self._messages.commit(body.decode(), len(body))


class SqsRecordMessages:
    """`RecordMessages`: what the consumer of the queue makes of a message."""

    def __init__(self, lake_bucket: str, *, s3: S3Client) -> None:
        """Fetch staged batches from `lake_bucket`."""
        self._lake_bucket = lake_bucket
        self._s3 = s3

    def read_batch(self, body: str) -> RecordBatch:
        """Return the batch that a message carries or points to."""
        key = decode_pointer(body)
        if key is None:
            return decode_batch(unpack(body))
        if not is_staging_key(key):
            raise InvalidInputError(f"the message points to {key!r}, where no batch is staged", path="$.payload_key")
        with translate_errors(f"get {key}"):
            staged = self._s3.get_object(Bucket=self._lake_bucket, Key=key)["Body"].read()
        return decode_batch(unpack(staged))
