"""`RecordQueue` and `RecordMessages`: one suite over memory and SQS."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from presage.adapters.client import build_client
from presage.adapters.memory.record_queue import MemoryRecordMessages, MemoryRecordQueue
from presage.adapters.sqs.batch_sender import SqsBatchSender
from presage.adapters.sqs.group_commit import GroupCommit
from presage.adapters.sqs.record_queue import MAX_MESSAGE_BYTES, SqsRecordMessages, SqsRecordQueue
from presage.errors import InvalidInputError, NotFoundError, UnavailableError
from presage.features.messages import encode_pointer
from presage.features.ports import RecordMessages, RecordQueue
from presage.features.records import RecordBatch, build_batch
from tests.fixtures.feature_records import NOW, make_batch, make_dataset, make_record, write


@dataclass
class Line:
    bucket: str
    queue: RecordQueue
    messages: RecordMessages
    take_bodies: Callable[[], list[str]]

    def take_batches(self) -> list[RecordBatch]:
        return [self.messages.read_batch(body) for body in self.take_bodies()]


def build_sqs_line() -> Line:
    sqs, s3 = build_client("sqs"), build_client("s3")
    name = f"records-{secrets.token_hex(6)}"
    s3.create_bucket(Bucket=name)
    url = sqs.create_queue(QueueName=name)["QueueUrl"]

    def take_bodies() -> list[str]:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        return [message["Body"] for message in answer.get("Messages", [])]

    return Line(name, SqsRecordQueue(GroupCommit(SqsBatchSender(url).send), name, s3=s3), SqsRecordMessages(name, s3=s3), take_bodies)


@pytest.fixture(params=["memory", pytest.param("sqs", marks=pytest.mark.integration)])
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    if request.param == "memory":
        queue = MemoryRecordQueue()
        yield Line("", queue, MemoryRecordMessages(), lambda: queue.messages)
        return
    request.getfixturevalue("emulator")
    yield build_sqs_line()


def test_a_published_batch_is_read_back_equal(line: Line) -> None:
    batch = make_batch(make_dataset(), 1, 2, 3)
    line.queue.publish_batch(write(batch))
    assert line.take_batches() == [batch]


def test_a_batch_larger_than_a_message_is_read_back_equal(line: Line) -> None:
    records = [make_record(number, entity_id=secrets.token_hex(128)) for number in range(1_000)]
    batch = build_batch(make_dataset(), records, received_at=NOW)
    line.queue.publish_batch(write(batch))
    bodies = line.take_bodies()
    assert [line.messages.read_batch(body) for body in bodies] == [batch]
    assert isinstance(line.queue, MemoryRecordQueue) or len(bodies[0]) < MAX_MESSAGE_BYTES


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ("{", "$"),
        ("[]", "$"),
        ('{"schema": 2}', "$.schema"),
        ('{"schema": 1}', "$"),
        ('{"schema": 1, "dataset": {}, "batch_id": "b", "received_at": "2026-01-01T00:00:00Z", "records": []}', "$.dataset"),
    ],
)
def test_what_is_no_message_is_refused_with_its_place(line: Line, body: str, path: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        line.messages.read_batch(body)
    assert caught.value.path == path


@pytest.mark.integration
@pytest.mark.usefixtures("emulator")
def test_a_staged_batch_is_tagged_for_the_lifecycle_that_removes_it() -> None:
    line, s3 = build_sqs_line(), build_client("s3")
    batch = build_batch(make_dataset(), [make_record(n, entity_id=secrets.token_hex(128)) for n in range(2_000)], received_at=NOW)
    line.queue.publish_batch(write(batch))
    (entry,) = s3.list_objects_v2(Bucket=line.bucket)["Contents"]
    assert s3.get_object_tagging(Bucket=line.bucket, Key=entry["Key"])["TagSet"] == [{"Key": "presage", "Value": "staging"}]


@pytest.mark.integration
@pytest.mark.usefixtures("emulator")
def test_a_pointer_to_a_batch_that_is_gone_is_not_found() -> None:
    line = build_sqs_line()
    with pytest.raises(NotFoundError):
        line.messages.read_batch(encode_pointer("ws=ws_1/staging/records/ds_1/abc123.json").decode())


@pytest.mark.integration
@pytest.mark.usefixtures("emulator")
def test_a_pointer_out_of_the_staging_area_is_refused() -> None:
    line = build_sqs_line()
    with pytest.raises(InvalidInputError, match="no batch is staged"):
        line.messages.read_batch(encode_pointer("ws=ws_1/training_sets/ts_1/manifest.json").decode())


@pytest.mark.integration
@pytest.mark.usefixtures("emulator")
def test_a_queue_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9")
    sender = SqsBatchSender("http://127.0.0.1:9/000000000000/records")
    queue = SqsRecordQueue(GroupCommit(sender.send), "lake", s3=build_client("s3"))
    with pytest.raises(UnavailableError):
        queue.publish_batch(write(make_batch(make_dataset(), 1)))
