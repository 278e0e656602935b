"""Logged predictions on an SQS queue; a large message waits in the lake and the queue's one points there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from presage.adapters.client import translate_errors
from presage.predictions.messages import decode_message, decode_staged, encode_pointer, pack_calls, stage_call
from presage.predictions.ports import LoggedCall, PredictionLogEntry

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

STAGING_TAG = "presage=staging"
"""What the lake's lifecycle selects the objects by that may go; it must outlast the dead-letter queue's retention."""


class SqsPredictionQueue:
    """`PredictionQueue` on SQS. What is published twice after an error is logged once: an entry is put under its id."""

    def __init__(self, send: Callable[[bytes], None], lake_bucket: str, *, s3: S3Client) -> None:
        """Publish by `send`, which returns once a message is durable (`SqsMessageSender`); stage in `lake_bucket`."""
        self._send = send
        self._lake_bucket = lake_bucket
        self._s3 = s3

    def publish_calls(self, calls: Sequence[LoggedCall]) -> None:
        """Return once their entries are durable, or raise `UnavailableError`, or `InvalidInputError` if SQS never takes one of them."""
        for message in pack_calls(calls):
            body = message.body
            if message.staging_key is not None:
                body = self._stage(message.staging_key, body)
            self._send(body)

    def set_aside(self, call: LoggedCall) -> str:
        """Put the call where large messages are staged, and return its key: a message that points there has it logged."""
        message = stage_call(call)
        self._stage(message.staging_key, message.body)
        return message.staging_key

    def _stage(self, key: str, body: bytes) -> bytes:
        with translate_errors(f"stage {key}"):
            self._s3.put_object(Bucket=self._lake_bucket, Key=key, Body=body, ContentType="application/json", Tagging=STAGING_TAG)
        return encode_pointer(key)


class SqsPredictionMessages:
    """`PredictionMessages`: what the consumer of the queue makes of a message."""

    def __init__(self, lake_bucket: str, *, s3: S3Client) -> None:
        """Fetch staged messages from `lake_bucket`."""
        self._lake_bucket = lake_bucket
        self._s3 = s3

    def read_entries(self, body: str) -> Sequence[PredictionLogEntry]:
        """Return the entries that a message carries or points to."""
        found = decode_message(body)
        if not isinstance(found, str):
            return found
        with translate_errors(f"get {found}"):
            staged = self._s3.get_object(Bucket=self._lake_bucket, Key=found)["Body"].read()
        return decode_staged(staged, key=found)
