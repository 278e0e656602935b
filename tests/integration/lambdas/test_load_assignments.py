"""From the queue to the warehouse: the function's handler, as Lambda calls it, on the emulator and the bridge."""

import importlib
import logging
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from presage.adapters.client import build_client
from presage.adapters.redshift.data_api import DataApi, Warehousing
from presage.adapters.redshift.ledger import RedshiftLedger
from presage.adapters.redshift.migrate import migrate
from presage.adapters.signed_calls import SignedCalls
from presage.adapters.sqs.assignment_queue import SqsAssignmentQueue
from presage.adapters.sqs.message_sender import SqsMessageSender
from presage.experiments.model import Assignment
from presage.experiments.ports import Warehouse
from tests.fixtures.redshift import run_bridge
from tests.fixtures.warehouse import build_experiment

pytestmark = pytest.mark.integration
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ASSIGNMENT = Assignment("ws", "exp", "p-0", "ann", "treatment", NOW, 3, ("a", "b"))


@dataclass
class Surroundings:
    module: ModuleType
    queue_url: str
    ledger: RedshiftLedger

    @property
    def warehouse(self) -> Warehouse:
        warehouse: Warehouse = self.module.WAREHOUSE
        return warehouse

    def publish(self, *assignments: Assignment) -> None:
        SqsAssignmentQueue(SqsMessageSender(self.queue_url, SignedCalls(read_timeout_seconds=5)).send).publish_assignments(assignments)

    def receive_event(self) -> dict[str, Any]:
        """Return what Lambda's event source mapping would call the function with."""
        client = build_client("sqs")
        answer = client.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1, VisibilityTimeout=0)
        return {"Records": [{"messageId": m["MessageId"], "body": m["Body"], "attributes": {}} for m in answer["Messages"]]}

    def count(self, experiment_id: str = "exp", workspace_id: str = "ws") -> tuple[int, int, int]:
        experiment = replace(build_experiment(), workspace_id=workspace_id, experiment_id=experiment_id)
        return self.ledger.count_exposures(experiment, as_of=NOW + timedelta(days=1), loaded_until=None)[:3]


@pytest.fixture
def surroundings(emulator: str, postgres: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Surroundings]:
    assert emulator
    name, database = f"loads-{secrets.token_hex(6)}", postgres.rpartition("/")[2]
    build_client("s3").create_bucket(Bucket=name)
    url = build_client("sqs").create_queue(QueueName=name)["QueueUrl"]
    values = {
        "STAGE": "local",
        "LAKE_BUCKET": name,
        "REDSHIFT_WORKGROUP": "presage",
        "REDSHIFT_DATABASE": database,
        "REDSHIFT_COPY_ROLE_ARN": "r",
    }
    for variable, value in values.items():
        monkeypatch.setenv(f"PRESAGE_{variable}", value)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with run_bridge(postgres) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL_REDSHIFT_DATA", endpoint)
        api = DataApi(build_client("redshift-data"), Warehousing("presage", database))
        migrate(api)
        sys.modules.pop("lambdas.load_assignments.handler", None)
        yield Surroundings(importlib.import_module("lambdas.load_assignments.handler"), url, RedshiftLedger(api))
    sys.modules.pop("lambdas.load_assignments.handler", None)
    root.handlers[:] = handlers
    root.setLevel(level)


def test_good_messages_are_loaded_and_bad_ones_fail_alone(surroundings: Surroundings) -> None:
    surroundings.publish(ASSIGNMENT, replace(ASSIGNMENT, prediction_id="p-1", unit_id="bob"))
    surroundings.publish(replace(ASSIGNMENT, workspace_id="ws_2"))
    event = surroundings.receive_event()
    event["Records"].append({"messageId": "poison", "body": '{"schema":1,"assignments":[{}]}', "attributes": {}})
    answer = surroundings.module.handle(event, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "poison"}]}
    assert (surroundings.count(), surroundings.count(workspace_id="ws_2")) == ((2, 2, 0), (1, 1, 0))


def test_a_redelivered_message_changes_nothing(surroundings: Surroundings) -> None:
    surroundings.publish(replace(ASSIGNMENT, experiment_id="exp_again"))
    for _ in range(2):
        assert surroundings.module.handle(surroundings.receive_event(), None) == {"batchItemFailures": []}
    assert surroundings.count("exp_again") == (1, 1, 0)


def test_a_warehouse_out_of_reach_keeps_the_messages(surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    surroundings.publish(replace(ASSIGNMENT, experiment_id="exp_later"))
    event = surroundings.receive_event()
    with monkeypatch.context() as patch:
        patch.setattr(surroundings.warehouse, "_data_api", DataApi(build_client("redshift-data"), Warehousing("presage", "nobody")))
        answer = surroundings.module.handle(event, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}
    assert surroundings.count("exp_later") == (0, 0, 0)
    assert surroundings.module.handle(event, None) == {"batchItemFailures": []}
    assert surroundings.count("exp_later") == (1, 1, 0)
