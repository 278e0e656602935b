"""`AssignmentQueue`: one suite over memory and SQS."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from presage.adapters.client import build_client
from presage.adapters.memory.assignment_queue import MemoryAssignmentQueue
from presage.adapters.signed_calls import SignedCalls
from presage.adapters.sqs.assignment_queue import SqsAssignmentQueue
from presage.adapters.sqs.message_sender import SqsMessageSender
from presage.experiments.messages import decode_message
from presage.experiments.model import Assignment
from presage.experiments.ports import AssignmentQueue

ASSIGNMENT = Assignment("ws", "exp", "p-0", "ann ü", "treatment", datetime(2026, 1, 1, microsecond=7, tzinfo=UTC), 3, ("a", "b"))


@dataclass
class Line:
    queue: AssignmentQueue
    take: Callable[[], Sequence[Assignment]]


def build_sqs_line() -> Line:
    sqs = build_client("sqs")
    url = sqs.create_queue(QueueName=f"assignments-{secrets.token_hex(6)}")["QueueUrl"]

    def take() -> Sequence[Assignment]:
        found: list[Assignment] = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages"):
            for message in messages:
                found += decode_message(message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    return Line(SqsAssignmentQueue(SqsMessageSender(url, SignedCalls(read_timeout_seconds=5)).send), take)


@pytest.fixture(params=["memory", pytest.param("sqs", marks=pytest.mark.integration)])
def line(request: pytest.FixtureRequest) -> Line:
    if request.param == "memory":
        queue = MemoryAssignmentQueue()
        return Line(queue, lambda: queue.published)
    request.getfixturevalue("emulator")
    return build_sqs_line()


def test_what_is_published_arrives(line: Line) -> None:
    many = [ASSIGNMENT, replace(ASSIGNMENT, prediction_id="p-1", variant="control", model_version=None, shown=())]
    line.queue.publish_assignments(many)
    assert line.take() == many


def test_more_than_a_message_holds_arrives(line: Line) -> None:
    items = tuple(f"{number:0200}" for number in range(40))
    many = [replace(ASSIGNMENT, prediction_id=f"p-{number:03}", shown=items) for number in range(100)]
    line.queue.publish_assignments(many)
    assert sorted(line.take(), key=lambda found: found.prediction_id) == many


def test_nothing_publishes_nothing(line: Line) -> None:
    line.queue.publish_assignments([])
    assert line.take() == []
