"""What a cluster is asked to be, and what is made of how it ended."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from botocore import loaders, model, validate

from presage.adapters.emr.cluster_runner import EmrClusterRunner
from presage.adapters.emr.steps import StepPrograms
from tests.fixtures.clusters import PLAN

NOW = datetime(2026, 1, 15, tzinfo=UTC)
PROGRAMS = StepPrograms({"copy": "s3://code/step.py", "py_files": "s3://code/library.zip"}, "lake")


@dataclass
class Emr:
    """EMR's answers, and what it was asked; `pages` are of ListClusters."""

    step: Mapping[str, Any] = field(default_factory=dict)
    cluster: Mapping[str, Any] = field(default_factory=dict)
    pages: list[list[dict[str, str]]] = field(default_factory=lambda: [[]])
    requests: list[dict[str, Any]] = field(default_factory=list)

    def run_job_flow(self, **request: Any) -> dict[str, str]:  # noqa: ANN401 - EMR's
        self.requests.append(request)
        return {"JobFlowId": "j-NEW"}

    def list_steps(self, **_request: str) -> dict[str, Any]:
        return {"Steps": [{"Status": self.step}]}

    def describe_cluster(self, **_request: str) -> dict[str, Any]:
        return {"Cluster": {"Status": self.cluster}}

    def get_paginator(self, _name: str) -> "Emr":
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - EMR's
        self.requests.append(request)
        return ({"Clusters": page} for page in self.pages)


def build_runner(emr: Emr, **changes: Any) -> EmrClusterRunner:  # noqa: ANN401 - of the plan
    return EmrClusterRunner(cast("Any", emr), plan=replace(PLAN, **changes), programs=PROGRAMS, clock=lambda: NOW)


def start(emr: Emr, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - of the plan
    assert build_runner(emr, **changes).start_step("copy", {"input": "lake://in/"}, token="t") == "j-NEW"
    return emr.requests[-1]


def test_the_request_is_one_that_the_api_knows() -> None:
    service = model.ServiceModel(loaders.Loader().load_service_model("emr", "service-2"))
    shape = service.operation_model("RunJobFlow").input_shape
    assert shape is not None

    report = validate.ParamValidator().validate(start(Emr()), shape)

    assert report.generate_report() == ""


def test_only_what_may_go_is_on_spot() -> None:
    fleets = {each["InstanceFleetType"]: each for each in start(Emr())["Instances"]["InstanceFleets"]}

    capacity = {kind: (each.get("TargetOnDemandCapacity", 0), each.get("TargetSpotCapacity", 0)) for kind, each in fleets.items()}
    assert capacity == {"MASTER": (1, 0), "CORE": (2, 0), "TASK": (0, 6)}
    assert all([each["InstanceType"] for each in fleet["InstanceTypeConfigs"]] == list(PLAN.instance_types) for fleet in fleets.values())


def test_a_plan_without_task_nodes_has_no_task_fleet() -> None:
    fleets = start(Emr(), task_nodes=0)["Instances"]["InstanceFleets"]

    assert [each["InstanceFleetType"] for each in fleets] == ["MASTER", "CORE"]


def test_the_cluster_grows_up_to_its_ceiling_on_spot_only() -> None:
    limits = start(Emr())["ManagedScalingPolicy"]["ComputeLimits"]

    assert (limits["MinimumCapacityUnits"], limits["MaximumCapacityUnits"]) == (2, 8)
    assert limits["MaximumOnDemandCapacityUnits"] == limits["MaximumCoreCapacityUnits"] == 2


def test_the_cluster_ends_with_its_step_however_that_ends() -> None:
    request = start(Emr())

    assert request["Instances"]["KeepJobFlowAliveWhenNoSteps"] is False
    assert [step["ActionOnFailure"] for step in request["Steps"]] == ["TERMINATE_CLUSTER"]


def test_the_cluster_is_private_encrypted_and_nobody_logs_in() -> None:
    request = start(Emr())

    assert request["SecurityConfiguration"] == PLAN.security_configuration
    assert (request["LogUri"], request["LogEncryptionKmsKeyId"]) == (PLAN.log_uri, PLAN.log_key_arn)
    assert request["Instances"]["Ec2SubnetIds"] == list(PLAN.subnets)
    assert "Ec2KeyName" not in request["Instances"]
    assert request["Tags"] == [{"Key": "stage", "Value": "tests"}]


def test_the_step_is_spark_submit_with_its_library_and_arguments() -> None:
    (step,) = start(Emr())["Steps"]

    assert step["HadoopJarStep"]["Jar"] == "command-runner.jar"
    submit = ["spark-submit", "--deploy-mode", "client", "--py-files", "s3://code/library.zip"]
    assert step["HadoopJarStep"]["Args"] == [*submit, "s3://code/step.py", "--input", "s3://lake/in/"]


def test_a_cluster_of_the_token_is_found_on_any_page() -> None:
    others = [{"Id": "j-OTHER", "Name": "presage-tests-copy-other"}]
    emr = Emr(pages=[others, [{"Id": "j-KNOWN", "Name": "presage-tests-copy-t"}]])

    assert build_runner(emr).start_step("copy", {}, token="t") == "j-KNOWN"
    assert emr.requests == [{"CreatedAfter": datetime(2026, 1, 1, tzinfo=UTC)}]


@pytest.mark.parametrize(
    ("step", "cluster", "expected"),
    [
        ({"State": "PENDING"}, {"State": "STARTING"}, ("pending", "")),
        ({"State": "RUNNING"}, {}, ("running", "")),
        ({"State": "COMPLETED"}, {}, ("succeeded", "")),
        (
            {"State": "FAILED", "FailureDetails": {"Reason": "Unknown", "Message": "ValueError: x", "LogFile": "s3://logs/stderr.gz"}},
            {},
            ("failed", "ValueError: x (log: s3://logs/stderr.gz)"),
        ),
        (
            {"State": "CANCELLED"},
            {"State": "TERMINATED_WITH_ERRORS", "StateChangeReason": {"Code": "BOOTSTRAP_FAILURE", "Message": "no certificates"}},
            ("failed", "the cluster ended: BOOTSTRAP_FAILURE: no certificates"),
        ),
        (
            {"State": "INTERRUPTED"},
            {"State": "TERMINATED_WITH_ERRORS", "StateChangeReason": {"Code": "INSTANCE_FAILURE", "Message": "primary gone"}},
            ("failed", "the cluster ended: INSTANCE_FAILURE: primary gone"),
        ),
        ({"State": "PENDING"}, {"State": "TERMINATED_WITH_ERRORS"}, ("failed", "the cluster ended: for no reason given")),
        ({"State": "CANCELLED"}, {"State": "TERMINATED", "StateChangeReason": {"Code": "USER_REQUEST"}}, ("cancelled", "")),
        ({"State": "INTERRUPTED"}, {"State": "TERMINATED", "StateChangeReason": {"Code": "USER_REQUEST"}}, ("cancelled", "")),
    ],
)
def test_no_end_of_a_cluster_is_silent(step: dict[str, Any], cluster: dict[str, Any], expected: tuple[str, str]) -> None:
    assert build_runner(Emr(step=step, cluster=cluster)).get_step_state("j-1") == expected


def test_every_state_of_a_step_that_the_api_knows_is_judged() -> None:
    service = loaders.Loader().load_service_model("emr", "service-2")
    ended = {"State": "TERMINATED", "StateChangeReason": {"Code": "USER_REQUEST"}}

    for state in service["shapes"]["StepState"]["enum"]:
        assert build_runner(Emr(step={"State": state}, cluster=ended)).get_step_state("j-1")[0] in {
            "running",
            "succeeded",
            "failed",
            "cancelled",
        }
