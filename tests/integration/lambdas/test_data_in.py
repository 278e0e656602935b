"""From the queue to the profile: both functions' handlers, as Lambda calls them, on the emulator."""

import importlib
import io
import json
import logging
import secrets
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from presage.adapters.client import build_client
from presage.adapters.s3.feature_set_store import S3FeatureSetStore
from presage.adapters.sqs.batch_sender import SqsBatchSender
from presage.adapters.sqs.group_commit import GroupCommit
from presage.adapters.sqs.record_queue import SqsRecordQueue
from presage.features.dataset import Dataset
from presage.features.keys import build_manifest_key
from presage.features.ports import FeatureSetStore
from presage.features.recent_ids import RecentIds
from presage.features.use_cases import accept_records
from presage.features.wire import CallBody
from tests.fixtures.feature_records import NOW, make_dataset, make_wire

pytestmark = pytest.mark.integration


@dataclass
class Surroundings:
    queue: SqsRecordQueue
    queue_url: str
    store: FeatureSetStore
    dataset: Dataset

    def send(self, *raw_records: bytes) -> None:
        accept_records(
            dataset=self.dataset, body=CallBody(b"\n".join(raw_records), in_lines=True), now=NOW, queue=self.queue, recent=RecentIds()
        )

    def receive_event(self) -> dict[str, Any]:
        """Return what Lambda's event source mapping would call the function with."""
        client = build_client("sqs")
        answer = client.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        return {"Records": [{"messageId": m["MessageId"], "body": m["Body"], "attributes": {}} for m in answer["Messages"]]}

    def read_ids(self) -> list[str]:
        version = self.store.find_version(self.dataset.workspace_id, self.dataset.dataset_id)
        return sorted(self.store.read_frame(version)["record_id"].to_list()) if version else []


@pytest.fixture
def surroundings(emulator: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Surroundings]:
    assert emulator
    name = f"data-in-{secrets.token_hex(6)}"
    s3, sqs = build_client("s3"), build_client("sqs")
    s3.create_bucket(Bucket=name)
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    monkeypatch.setenv("PRESAGE_STAGE", "local")
    monkeypatch.setenv("PRESAGE_LAKE_BUCKET", name)
    monkeypatch.setenv("PRESAGE_SAMPLE_ROWS", "5")
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    dataset = make_dataset(f"ds_{secrets.token_hex(4)}")
    yield Surroundings(SqsRecordQueue(GroupCommit(SqsBatchSender(url).send), name, s3=s3), url, S3FeatureSetStore(name, s3), dataset)
    root.handlers[:], root.level = before, level


def load(function: str) -> ModuleType:
    name = f"lambdas.{function}.handler"
    sys.modules.pop(name, None)
    return importlib.import_module(name)


def build_s3_event(key: str) -> dict[str, Any]:
    return {"Records": [{"s3": {"object": {"key": key.replace("=", "%3D")}}}]}


def test_accepted_records_land_and_are_profiled(surroundings: Surroundings) -> None:
    for call in range(3):
        surroundings.send(*[make_wire(record_id=f"r{call}{number}") for number in range(4)])
    assert load("land_records").handle(surroundings.receive_event(), None) == {"batchItemFailures": []}
    assert surroundings.read_ids() == [f"r{call}{number}" for call in range(3) for number in range(4)]
    dataset = surroundings.dataset
    load("profile_feature_set").handle(build_s3_event(build_manifest_key(dataset.workspace_id, dataset.dataset_id, 1)), None)
    profile = surroundings.store.find_profile(dataset.workspace_id, dataset.dataset_id, 1)
    assert profile is not None
    assert profile[0].count(b"\n") == 5
    assert profile[1]["rows"] == 12


def test_a_poisoned_message_fails_alone_with_its_reason_in_the_log(surroundings: Surroundings) -> None:
    surroundings.send(make_wire(record_id="good"))
    build_client("sqs").send_message(QueueUrl=surroundings.queue_url, MessageBody='{"schema": 1, "dataset": 7}')
    handle = load("land_records").handle
    event = surroundings.receive_event()
    poisoned = [record["messageId"] for record in event["Records"] if record["body"].endswith("7}")]
    logging.getLogger().handlers[0].setStream(stream := io.StringIO())  # type: ignore[attr-defined]  # a StreamHandler
    assert handle(event, None) == {"batchItemFailures": [{"itemIdentifier": poisoned[0]}]}
    assert surroundings.read_ids() == ["good"]
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["subject"], line["code"], line["path"]) for line in lines if line["level"] == "error"] == [
        (poisoned[0], "malformed_message", "$.dataset")
    ]


def test_redelivery_adds_nothing(surroundings: Surroundings) -> None:
    surroundings.send(make_wire(record_id="r1"), make_wire(record_id="r2"))
    event = surroundings.receive_event()
    handle = load("land_records").handle
    handle(event, None)
    handle(event, None)
    version = surroundings.store.find_version(surroundings.dataset.workspace_id, surroundings.dataset.dataset_id)
    assert version is not None
    assert (version.version, len(version.parts)) == (1, 1)


def test_an_id_sent_again_in_another_call_lands_once_whichever_instance_lands_it(surroundings: Surroundings) -> None:
    for names in (["r1", "r2"], ["r2", "r3"], ["r3", "r1"]):
        surroundings.send(*[make_wire(record_id=name) for name in names])
        load("land_records").handle(surroundings.receive_event(), None)
    version = surroundings.store.find_version(surroundings.dataset.workspace_id, surroundings.dataset.dataset_id)
    assert version is not None
    assert (version.version, sum(part.rows for part in version.parts)) == (2, 3)
    assert surroundings.read_ids() == ["r1", "r2", "r3"]


def test_instances_at_once_land_an_id_of_two_calls_once(surroundings: Surroundings) -> None:
    for number in range(8):
        surroundings.send(make_wire(record_id="same"), make_wire(record_id=f"r{number}"))
    alone = [{"Records": [record]} for record in surroundings.receive_event()["Records"]]
    handle = load("land_records").handle
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda one: handle(one, None), alone)) == [{"batchItemFailures": []}] * 8
    version = surroundings.store.find_version(surroundings.dataset.workspace_id, surroundings.dataset.dataset_id)
    assert version is not None
    assert sum(part.rows for part in version.parts) == 9


def test_invocations_at_once_lose_nothing(surroundings: Surroundings) -> None:
    for number in range(8):
        surroundings.send(make_wire(record_id=f"r{number}"))
    event = surroundings.receive_event()
    handle = load("land_records").handle
    alone = [{"Records": [record]} for record in event["Records"]]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: handle(one, None), alone * 2))
    assert answers == [{"batchItemFailures": []}] * 16
    assert surroundings.read_ids() == [f"r{number}" for number in range(8)]
    version = surroundings.store.find_version(surroundings.dataset.workspace_id, surroundings.dataset.dataset_id)
    assert version is not None
    assert version.version <= 8
    assert len(version.parts) == 8


@pytest.mark.usefixtures("surroundings")
def test_a_manifest_that_is_not_there_fails_the_event() -> None:
    handle = load("profile_feature_set").handle
    with pytest.raises(Exception, match="there is no manifest"):
        handle(build_s3_event("ws=ws_1/dataset=ds_1/versions/00000009.manifest.json"), None)


@pytest.mark.usefixtures("surroundings")
def test_a_missing_variable_is_named_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRESAGE_LAKE_BUCKET")
    with pytest.raises(RuntimeError, match="PRESAGE_LAKE_BUCKET is not set"):
        load("land_records")
