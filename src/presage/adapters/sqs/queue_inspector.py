"""The queues between the services in SQS, and the way back for dead letters of jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from presage.adapters.client import translate_errors
from presage.errors import NotFoundError
from presage.jobs.model import QueueDepth

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import MessageTypeDef

JOBS = "jobs"
BATCH = 10
"""What SQS gives at once."""
HOLD_SECONDS = 30
"""How long a dead letter that is being moved is nobody else's; if it could not be, it is there again afterwards."""


class SqsQueueInspector:
    """`QueueInspector` on the queues of a stage.

    Dead letters are received, sent and deleted one by one: SQS's own task of moving them is not everywhere, and has no bound.
    """

    def __init__(self, client: SQSClient, *, urls: Mapping[str, str], dead_letter_urls: Mapping[str, str]) -> None:
        """Take both addresses of each queue by its name."""
        self._client = client
        self._urls = dict(urls)
        self._dead_letter_urls = dict(dead_letter_urls)

    def list_queues(self) -> Sequence[QueueDepth]:
        """Return how full each one is, in the order of their names."""
        return [self._measure(name) for name in sorted(self._urls)]

    def redrive_jobs(self, *, limit: int) -> int:
        """Put dead letters of the jobs queue back on it, at most `limit`, and return how many."""
        if JOBS not in self._urls or JOBS not in self._dead_letter_urls:
            raise NotFoundError("This stage has no jobs queue")
        moved = 0
        for message in self._receive(limit):
            with translate_errors("redrive a job"):
                self._client.send_message(QueueUrl=self._urls[JOBS], MessageBody=message["Body"])
                self._client.delete_message(QueueUrl=self._dead_letter_urls[JOBS], ReceiptHandle=message["ReceiptHandle"])
            moved += 1
        return moved

    def _measure(self, name: str) -> QueueDepth:
        with translate_errors(f"look at the queue of {name}"):
            waiting, in_flight = self._count(self._urls[name])
            dead_letters = sum(self._count(self._dead_letter_urls[name]))
        return QueueDepth(name, waiting, in_flight, dead_letters)

    def _count(self, url: str) -> tuple[int, int]:
        """Return how many messages wait, delayed ones too, and how many are in flight."""
        found = self._client.get_queue_attributes(
            QueueUrl=url,
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesDelayed",
                "ApproximateNumberOfMessagesNotVisible",
            ],
        )["Attributes"]
        waiting = int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesDelayed"])
        return waiting, int(found["ApproximateNumberOfMessagesNotVisible"])

    def _receive(self, limit: int) -> Iterator[MessageTypeDef]:
        left = limit
        while left > 0:
            with translate_errors("read dead letters of jobs"):
                found = self._client.receive_message(
                    QueueUrl=self._dead_letter_urls[JOBS],
                    MaxNumberOfMessages=min(left, BATCH),
                    VisibilityTimeout=HOLD_SECONDS,
                    WaitTimeSeconds=1,
                ).get("Messages", [])
            if not found:
                return
            yield from found
            left -= len(found)
