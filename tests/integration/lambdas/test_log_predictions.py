"""The function that puts predictions into the log, as Lambda runs it, on SQS, S3 and DynamoDB."""

import importlib
import logging
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from presage.adapters.client import build_client
from presage.adapters.signed_calls import SignedCalls
from presage.adapters.sqs.message_sender import SqsMessageSender
from presage.adapters.sqs.prediction_queue import SqsPredictionQueue
from presage.predictions.messages import encode_call, read_call
from presage.predictions.ports import PredictionLog, PredictionLogEntry
from tests.fixtures.logged import entry
from tests.fixtures.prediction_table import create_table

pytestmark = pytest.mark.integration
HANDLER = "lambdas.log_predictions.handler"


@dataclass
class Surroundings:
    module: ModuleType
    queue_url: str
    lake: str

    @property
    def log(self) -> PredictionLog:
        log: PredictionLog = self.module.PORTS.log
        return log

    def publish(self, *entries: PredictionLogEntry) -> None:
        send = SqsMessageSender(self.queue_url, SignedCalls(read_timeout_seconds=5)).send
        queue = SqsPredictionQueue(send, self.lake, s3=build_client("s3"))
        queue.publish_calls([read_call(encode_call([each])) for each in entries])

    def receive_event(self) -> dict[str, Any]:
        """Return what Lambda's event source mapping would call the function with."""
        answer = build_client("sqs").receive_message(
            QueueUrl=self.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1, VisibilityTimeout=0
        )
        return {"Records": [{"messageId": m["MessageId"], "body": m["Body"], "attributes": {}} for m in answer["Messages"]]}

    def count(self) -> int:
        return self.log.count_by_model_day("ws_1", "mdl_1", "2026-03-01")


@pytest.fixture
def surroundings(emulator: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Surroundings]:
    assert emulator
    name = f"logs-{secrets.token_hex(6)}"
    build_client("s3").create_bucket(Bucket=name)
    create_table(name)
    url = build_client("sqs").create_queue(QueueName=name)["QueueUrl"]
    for variable, value in {"STAGE": "local", "LAKE_BUCKET": name, "PREDICTION_TABLE": name}.items():
        monkeypatch.setenv(f"PRESAGE_{variable}", value)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    sys.modules.pop(HANDLER, None)
    yield Surroundings(importlib.import_module(HANDLER), url, name)
    sys.modules.pop(HANDLER, None)
    root.handlers[:] = handlers
    root.setLevel(level)


def test_good_messages_are_logged_and_bad_ones_fail_alone(surroundings: Surroundings) -> None:
    surroundings.publish(entry(1), entry(2))
    event = surroundings.receive_event()
    event["Records"].append({"messageId": "poison", "body": '{"schema":1,"entries":[{}]}', "attributes": {}})
    assert surroundings.module.handle(event, None) == {"batchItemFailures": [{"itemIdentifier": "poison"}]}
    assert [surroundings.log.get_prediction("ws_1", each.prediction_id) for each in (entry(1), entry(2))] == [entry(1), entry(2)]


def test_messages_delivered_twice_change_nothing(surroundings: Surroundings) -> None:
    large = entry(7, features={"f": "x" * 500_000})
    surroundings.publish(*(entry(number) for number in range(5)))
    surroundings.publish(large)
    event = surroundings.receive_event()
    assert len(event["Records"]) == 2
    twice = {"Records": [*event["Records"], *({**record, "messageId": f"again-{record['messageId']}"} for record in event["Records"])]}
    for delivery in (event, twice, event):
        assert surroundings.module.handle(delivery, None) == {"batchItemFailures": []}
        assert surroundings.count() == 6
    assert surroundings.log.get_prediction("ws_1", large.prediction_id) == large


def test_staged_entries_of_another_workspace_are_not_logged(surroundings: Surroundings) -> None:
    surroundings.publish(entry(1, features={"f": "x" * 250_000}))
    event = surroundings.receive_event()
    s3 = build_client("s3")
    (staged,) = s3.list_objects_v2(Bucket=surroundings.lake)["Contents"]
    body = s3.get_object(Bucket=surroundings.lake, Key=staged["Key"])["Body"].read().replace(b'"ws_1"', b'"ws_2"')
    s3.put_object(Bucket=surroundings.lake, Key=staged["Key"], Body=body)
    assert len(surroundings.module.handle(event, None)["batchItemFailures"]) == 1
    assert surroundings.log.count_by_model_day("ws_2", "mdl_1", "2026-03-01") == 0


def test_a_log_out_of_reach_keeps_the_messages(surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    surroundings.publish(entry(1))
    event = surroundings.receive_event()
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        sys.modules.pop(HANDLER, None)
        cut_off = importlib.import_module(HANDLER)
        assert cut_off.handle(event, None) == {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}
    sys.modules.pop(HANDLER, None)
    surroundings.module = importlib.import_module(HANDLER)
    assert surroundings.module.handle(event, None) == {"batchItemFailures": []}
    assert surroundings.count() == 1
