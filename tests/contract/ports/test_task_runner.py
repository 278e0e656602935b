"""`TaskRunner`: one suite over memory and ECS (bridged to subprocesses)."""

import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from presage.adapters.client import build_client
from presage.adapters.ecs.task_runner import EcsTaskRunner
from presage.adapters.memory.task_runner import MemoryTaskRunner
from presage.errors import NotFoundError
from presage.training.ports import RunState, TaskRunner
from tests.fixtures.bridges import run_bridge

# The container of this task definition: append the secret and the words to a file, exit with the code, or sleep.
PROGRAM = """
import os, sys, time
command, value = sys.argv[1:]
if command == "sleep":
    time.sleep(float(value))
if command == "exit":
    raise SystemExit(int(value))
with open(os.environ["PRESAGE_NOTES"], "a") as notes:
    notes.write(f"{value} {os.environ['PRESAGE_TOKEN']}\\n")
"""
WAIT_SECONDS = 30


@dataclass
class Place:
    runner: TaskRunner
    notes: Path

    def wait(self, task_id: str) -> tuple[RunState, str]:
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            state, reason = self.runner.get_task_state(task_id)
            if state not in {"pending", "running"}:
                return state, reason
            time.sleep(0.1)
        raise AssertionError(f"{task_id} did not end")


def run_in_memory(notes: Path, arguments: Sequence[str]) -> tuple[RunState, str]:
    command, value = arguments
    if command == "sleep":
        return "running", ""
    if command == "exit":
        return "failed", f"exit code {value}: it ended"
    with notes.open("a") as sink:
        sink.write(f"{value} s3cret\n")
    return "succeeded", ""


@pytest.fixture(scope="module", params=["memory", pytest.param("ecs", marks=pytest.mark.integration)])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("tasks")
    notes = folder / "notes.txt"
    if request.param == "memory":
        yield Place(MemoryTaskRunner(lambda arguments: run_in_memory(notes, arguments)), notes)
        return
    request.getfixturevalue("emulator")
    ecs, suffix = build_client("ecs"), secrets.token_hex(4)
    secret = build_client("secretsmanager").create_secret(Name=f"token-{suffix}", SecretString='{"value": "s3cret"}')["ARN"]
    ecs.create_cluster(clusterName=f"cluster-{suffix}")
    definition = ecs.register_task_definition(
        family=f"trainer-{suffix}",
        containerDefinitions=[
            {
                "name": "trainer",
                "image": "any",
                "entryPoint": ["python", "-c", PROGRAM],
                "environment": [{"name": "PRESAGE_NOTES", "value": str(notes)}],
                "secrets": [{"name": "PRESAGE_TOKEN", "valueFrom": f"{secret}:value::"}],
            }
        ],
    )["taskDefinition"]["taskDefinitionArn"]
    with run_bridge("ecs_tasks", folder / "logs") as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_ECS", url)
        runner = EcsTaskRunner(
            build_client("ecs"), cluster=f"cluster-{suffix}", task_definition=definition, subnets=["subnet-1"], security_groups=["sg-1"]
        )
        yield Place(runner, notes)


def test_a_task_runs_with_its_environment_and_secrets_once_a_token(place: Place) -> None:
    task_id = place.runner.start_task(["note", "hello"], token="t-note")
    assert place.wait(task_id) == ("succeeded", "")
    assert place.runner.start_task(["note", "hello"], token="t-note") == task_id
    assert place.notes.read_text() == "hello s3cret\n"


def test_a_failed_task_tells_its_exit_code(place: Place) -> None:
    state, reason = place.wait(place.runner.start_task(["exit", "3"], token="t-exit"))
    assert state == "failed"
    assert reason.startswith("exit code 3: ")


def test_a_stopped_task_ends_and_an_ended_one_stays(place: Place) -> None:
    task_id = place.runner.start_task(["sleep", "60"], token="t-sleep")
    place.runner.stop_task(task_id)
    assert place.wait(task_id) == ("cancelled", "")
    place.runner.stop_task(task_id)
    assert place.runner.get_task_state(task_id)[0] == "cancelled"


def test_an_unknown_task_is_not_found(place: Place) -> None:
    with pytest.raises(NotFoundError):
        place.runner.get_task_state("0" * 32)
