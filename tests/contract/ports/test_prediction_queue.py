"""`PredictionQueue` and `PredictionMessages`: one suite over memory and SQS."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from presage.adapters.client import build_client
from presage.adapters.memory.prediction_queue import MemoryPredictionQueue
from presage.adapters.signed_calls import SignedCalls
from presage.adapters.sqs.message_sender import SqsMessageSender
from presage.adapters.sqs.prediction_queue import SqsPredictionMessages, SqsPredictionQueue
from presage.errors import InvalidInputError
from presage.predictions.blocks import read_entries
from presage.predictions.messages import encode_call, encode_pointer, read_call
from presage.predictions.ports import LoggedCall, PredictionLogEntry, PredictionMessages, PredictionQueue
from tests.fixtures.blocks import build_block
from tests.fixtures.logged import entry


@dataclass
class Line:
    queue: PredictionQueue
    messages: PredictionMessages
    receive: Callable[[], Sequence[str]]

    def take(self) -> list[PredictionLogEntry]:
        found = [each for body in self.receive() for each in self.messages.read_entries(body)]
        return sorted(found, key=lambda each: each.prediction_id)


def build_sqs_line() -> Line:
    sqs, s3 = build_client("sqs"), build_client("s3")
    name = f"predictions-{secrets.token_hex(6)}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    s3.create_bucket(Bucket=name)

    def receive() -> Sequence[str]:
        found: list[str] = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages"):
            for message in messages:
                found.append(message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    return Line(
        SqsPredictionQueue(SqsMessageSender(url, SignedCalls(read_timeout_seconds=5)).send, name, s3=s3),
        SqsPredictionMessages(name, s3=s3),
        receive,
    )


@pytest.fixture(params=["memory", pytest.param("sqs", marks=pytest.mark.integration)])
def line(request: pytest.FixtureRequest) -> Line:
    if request.param == "memory":
        queue = MemoryPredictionQueue()
        return Line(queue, queue, lambda: queue.messages)
    request.getfixturevalue("emulator")
    return build_sqs_line()


def call(*entries: PredictionLogEntry) -> LoggedCall:
    return read_call(encode_call(entries))


def test_what_is_published_arrives_in_one_message(line: Line) -> None:
    line.queue.publish_calls([call(entry(1), entry(2, entity_id="ann ü\uffff")), call(entry(3, workspace_id="ws_2", experiment_id=None))])
    bodies = line.receive()
    assert len(bodies) == 1
    found = line.messages.read_entries(bodies[0])
    assert list(found) == [entry(1), entry(2, entity_id="ann ü\uffff"), entry(3, workspace_id="ws_2", experiment_id=None)]


def test_more_than_a_message_holds_arrives(line: Line) -> None:
    busy = [entry(number, features={"f": "x" * 3_000}) for number in range(100)]
    quiet = [entry(1_000 + number, workspace_id=f"ws_{number + 2}", features={"f": "x" * 50_000}) for number in range(10)]
    line.queue.publish_calls([*(call(each) for each in busy), *(call(each) for each in quiet)])
    assert line.take() == [*busy, *quiet]


def test_blocks_arrive_as_the_entries_they_stand_for(line: Line) -> None:
    packed = read_call(encode_call([entry(1)], [build_block(100)]))
    line.queue.publish_calls([packed, call(entry(2))])
    assert line.take() == sorted([entry(1), entry(2), *read_entries(build_block(100))], key=lambda each: each.prediction_id)


def test_nothing_publishes_nothing(line: Line) -> None:
    line.queue.publish_calls([])
    assert line.receive() == []


def test_what_is_set_aside_is_logged_once_a_message_points_there(line: Line) -> None:
    key = line.queue.set_aside(call(entry(1), entry(2)))
    assert line.receive() == []
    assert list(line.messages.read_entries(encode_pointer(key).decode())) == [entry(1), entry(2)]


@pytest.mark.parametrize("key", ["ws=ws_1/models/x.json", "../ws=ws_1/staging/predictions/x.json", ""])
def test_a_message_is_not_trusted_to_name_other_objects(line: Line, key: str) -> None:
    with pytest.raises(InvalidInputError):
        line.messages.read_entries(encode_pointer(key).decode())
