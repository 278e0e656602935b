"""The stand-in for S3, SQS and DynamoDB keeps what real clients put into it."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from benchmarks import sink
from localstack.emulator import client_environment
from localstack.program import free_port, is_listening, wait_until

pytestmark = pytest.mark.enable_socket


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place, port = tmp_path_factory.mktemp("sink"), free_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in client_environment(port).items():
            patch.setenv(name, value)
        threading.Thread(target=sink.main, args=(port, place), daemon=True).start()
        wait_until(lambda: is_listening(port), seconds=10, what="the sink")
        yield place


def test_objects_are_kept_and_given_back(folder: Path) -> None:
    client = boto3.client("s3")
    client.put_object(Bucket="lake", Key="ws=1/a b.json", Body=b"x" * 3_000_000)

    assert client.get_object(Bucket="lake", Key="ws=1/a b.json")["Body"].read() == b"x" * 3_000_000
    with pytest.raises(ClientError, match="NoSuchKey"):
        client.get_object(Bucket="lake", Key="missing")
    assert (folder / "objects" / "lake" / "ws=1" / "a b.json").stat().st_size == 3_000_000


def test_messages_are_kept_in_order(folder: Path) -> None:
    client = boto3.client("sqs")
    url = f"{client.meta.endpoint_url}/000000000000/assignments"
    client.send_message(QueueUrl=url, MessageBody='{"a": 1}')
    client.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "b"}, {"Id": "2", "MessageBody": "c"}])

    kept = [json.loads(line) for line in (folder / "queues" / "assignments").read_text().splitlines()]
    assert kept == ['{"a": 1}', "b", "c"]


def test_items_are_kept(folder: Path) -> None:
    client = boto3.client("dynamodb")
    client.put_item(TableName="t", Item={"k": {"S": "1"}})
    answer = client.batch_write_item(RequestItems={"t": [{"PutRequest": {"Item": {"k": {"S": "2"}}}}]})

    assert answer["UnprocessedItems"] == {}
    assert [json.loads(line)["k"]["S"] for line in (folder / "tables" / "t").read_text().splitlines()] == ["1", "2"]


def test_what_it_does_not_know_is_an_error() -> None:
    with pytest.raises(ClientError, match="UnknownOperation"):
        boto3.client("dynamodb").list_tables()
