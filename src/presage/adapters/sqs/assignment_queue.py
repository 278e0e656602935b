"""Assignments on an SQS queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from presage.adapters.client import translate_errors
from presage.experiments.messages import encode_messages
from presage.experiments.model import Assignment

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


class SqsAssignmentQueue:
    """`AssignmentQueue` on SQS. What is published twice after an error counts once: the warehouse merges by prediction."""

    def __init__(self, queue_url: str, sqs: SQSClient) -> None:
        """Publish to `queue_url`."""
        self._queue_url = queue_url
        self._sqs = sqs

    def publish_assignments(self, assignments: Sequence[Assignment]) -> None:
        """Return once they are durable, or raise `UnavailableError`; nothing is sent for none."""
        if not assignments:
            return
        for body in encode_messages(assignments):
            with translate_errors("publish assignments"):
                self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=body.decode())
