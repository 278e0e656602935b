"""`SparkRunner`: one suite over memory, EMR Serverless and EMR on EC2 (both bridged to spark-submit)."""

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from localstack import calls
from presage.adapters.client import build_client
from presage.adapters.emr.cluster_runner import EmrClusterRunner
from presage.adapters.emr.spark_runner import EmrSparkRunner
from presage.adapters.emr.steps import StepPrograms
from presage.adapters.memory.spark_runner import MemorySparkRunner
from presage.errors import NotFoundError
from presage.training.ports import RunState, SparkRunner
from tests.contract.wiring.clusters import CALLS
from tests.fixtures.bridges import run_bridge
from tests.fixtures.clusters import PLAN

# What a step does is told by its arguments: copy the text of --input to --output, fail, or sleep. No Spark session: it is quick.
STEP = """
import pathlib, sys, time
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
if "--fail" in arguments:
    raise ValueError(arguments["--fail"])
if "--sleep" in arguments:
    time.sleep(float(arguments["--sleep"]))
from pyspark.sql import SparkSession
session = SparkSession.builder.getOrCreate()
session.read.text(arguments["--input"]).coalesce(1).write.mode("overwrite").text(arguments["--output"])
session.stop()
"""
WAIT_SECONDS = 90


@dataclass
class Place:
    runner: SparkRunner
    objects: dict[str, bytes] | str
    """The lake: a dictionary, or the name of a bucket."""
    noted: Path | None = None
    """Where the bridge notes what it was asked."""

    def put(self, key: str, body: bytes) -> None:
        if isinstance(self.objects, dict):
            self.objects[key] = body
        else:
            build_client("s3").put_object(Bucket=self.objects, Key=key, Body=body)

    def read_all(self, prefix: str) -> list[bytes]:
        if isinstance(self.objects, dict):
            return [body for key, body in self.objects.items() if key.startswith(prefix)]
        client = build_client("s3")
        listed = client.list_objects_v2(Bucket=self.objects, Prefix=prefix).get("Contents", [])
        return [client.get_object(Bucket=self.objects, Key=found["Key"])["Body"].read() for found in listed]

    def wait(self, run_id: str) -> tuple[RunState, str]:
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            state, reason = self.runner.get_step_state(run_id)
            if state not in {"pending", "running"}:
                return state, reason
            time.sleep(0.2)
        raise AssertionError(f"{run_id} did not end")


def run_in_memory(objects: dict[str, bytes], step: str, arguments: Mapping[str, str]) -> tuple[RunState, str]:
    if step != "copy":
        raise NotFoundError(step)
    if "fail" in arguments:
        return "failed", f"ValueError: {arguments['fail']}"
    if "sleep" in arguments:
        return "running", ""
    objects[arguments["output"].removeprefix("lake://") + "part"] = objects[arguments["input"].removeprefix("lake://")]
    return "succeeded", ""


@pytest.fixture(
    scope="module", params=["memory", *(pytest.param(kind, marks=pytest.mark.integration) for kind in ("serverless", "clusters"))]
)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    if request.param == "memory":
        objects: dict[str, bytes] = {}
        yield Place(MemorySparkRunner(lambda step, arguments: run_in_memory(objects, step, arguments)), objects)
        return
    request.getfixturevalue("emulator")
    client, bucket = build_client("s3"), f"lake-{secrets.token_hex(4)}"
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="code/step.py", Body=STEP.encode())
    client.put_object(Bucket=bucket, Key="code/empty.py", Body=b"")
    steps = {"copy": f"s3://{bucket}/code/step.py", "py_files": f"s3://{bucket}/code/empty.py"}
    programs, folder = StepPrograms(steps, bucket), tmp_path_factory.mktemp("emr")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(calls.FILE_VARIABLE, str(folder / "calls.ndjson"))
        patch.setenv(calls.COMPONENT_VARIABLE, "")  # the bridge's own calls are nobody's
        yield from run_on_bridge(request.param, programs, folder)


def run_on_bridge(kind: str, programs: StepPrograms, folder: Path) -> Iterator[Place]:
    with run_bridge("emr_serverless", folder) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv(calls.COMPONENT_VARIABLE, f"{calls.PREFIX}worker")
        patch.setenv("AWS_ENDPOINT_URL_EMR_SERVERLESS", url)
        patch.setenv("AWS_ENDPOINT_URL_EMR", url)
        yield Place(build_runner(kind, programs), programs.lake_bucket, folder / "calls.ndjson")


def build_runner(kind: str, programs: StepPrograms) -> SparkRunner:
    if kind == "clusters":
        return EmrClusterRunner(build_client("emr"), plan=PLAN, programs=programs, clock=lambda: datetime.now(UTC))
    role = "arn:aws:iam::0:role/r"
    return EmrSparkRunner(build_client("emr-serverless"), application_id="app", execution_role_arn=role, programs=programs)


def test_a_step_reads_and_writes_the_lake_once_a_token(place: Place) -> None:
    place.put("in/text", b"hello\n")
    run_id = place.runner.start_step("copy", {"input": "lake://in/text", "output": "lake://out/"}, token="t-copy")
    assert place.wait(run_id) == ("succeeded", "")
    assert place.read_all("out/") == [b"hello\n"]
    place.put("in/text", b"changed\n")
    assert place.runner.start_step("copy", {"input": "lake://in/text", "output": "lake://out/"}, token="t-copy") == run_id
    assert place.read_all("out/") == [b"hello\n"]


def test_a_failed_step_says_why(place: Place) -> None:
    state, reason = place.wait(place.runner.start_step("copy", {"fail": "no-rows"}, token="t-fail"))
    assert state == "failed"
    assert "ValueError: no-rows" in reason


def test_a_cancelled_step_ends_and_an_ended_one_stays(place: Place) -> None:
    run_id = place.runner.start_step("copy", {"sleep": "60", "input": "lake://in/", "output": "lake://never/"}, token="t-sleep")
    while place.runner.get_step_state(run_id)[0] == "pending":
        time.sleep(0.1)
    if not isinstance(place.objects, dict):
        time.sleep(3)  # until the process sleeps
    place.runner.cancel_step(run_id)
    assert place.wait(run_id) == ("cancelled", "")
    place.runner.cancel_step(run_id)
    assert place.runner.get_step_state(run_id)[0] == "cancelled"
    assert place.read_all("never/") == []


def test_an_unknown_step_is_not_found(place: Place) -> None:
    with pytest.raises(NotFoundError):
        place.runner.start_step("no-such-step", {}, token="t-unknown")


def test_an_unknown_run_is_not_found(place: Place) -> None:
    with pytest.raises(NotFoundError):
        place.runner.get_step_state("00f0000000000000")


@pytest.mark.parametrize("place", [pytest.param("clusters", marks=pytest.mark.integration)], indirect=True)
def test_the_calls_that_clusters_need_are_those_on_record(place: Place) -> None:
    """Of all tests before: what the rights of the worker with EMR on EC2 are held against."""
    assert place.noted is not None
    noted = {calls.Call(**json.loads(line)) for line in place.noted.read_text().splitlines()}

    assert {call for call in noted if call.service == "elasticmapreduce"} == CALLS
