"""Steps on EMR clusters on EC2: each step on a cluster of its own, which ends with it (docs/adr/0012)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from presage.adapters.client import translate_errors
from presage.adapters.emr.steps import StepPrograms
from presage.errors import NotFoundError
from presage.training.ports import RunState

if TYPE_CHECKING:
    from types_boto3_emr import EMRClient
    from types_boto3_emr.type_defs import (
        ClusterStatusTypeDef,
        InstanceFleetConfigTypeDef,
        InstanceTypeConfigTypeDef,
        JobFlowInstancesConfigTypeDef,
        StepConfigTypeDef,
    )

LOOK_BACK = timedelta(days=14)
"""How long a token is known: longer than a job's message can come again, as a message or as a dead letter."""
SPOT_MINUTES = 10
_BY_USER = "USER_REQUEST"
_ENDED = frozenset({"TERMINATED", "TERMINATED_WITH_ERRORS"})
_STATES: Mapping[str, RunState] = MappingProxyType(
    {"PENDING": "pending", "CANCEL_PENDING": "running", "RUNNING": "running", "COMPLETED": "succeeded", "FAILED": "failed"}
)
"""`CANCELLED` and `INTERRUPTED` are not among them: a cluster that never came up, or broke, leaves its step in them as well."""


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """What every cluster is made of; a unit of its fleets is one instance, of any of `instance_types`."""

    name: str
    release: str
    service_role: str
    instance_profile: str
    security_configuration: str
    log_uri: str
    log_key_arn: str
    subnets: Sequence[str]
    primary_security_group: str
    core_security_group: str
    service_security_group: str
    instance_types: Sequence[str]
    core_nodes: int
    task_nodes: int
    tags: Mapping[str, str]


class EmrClusterRunner:
    """`SparkRunner` on transient clusters; a run's id is its cluster's."""

    def __init__(self, client: EMRClient, *, plan: ClusterPlan, programs: StepPrograms, clock: Callable[[], datetime]) -> None:
        """Run `programs` on clusters made by the plan."""
        self._client = client
        self._plan = plan
        self._programs = programs
        self._clock = clock

    def start_step(self, step: str, arguments: Mapping[str, str], *, token: str) -> str:
        """Start a cluster that does the step and return the run's id.

        Idempotency: EMR knows no tokens, so the cluster is named by it and looked for first; callers of one token take turns.

        Raises:
            NotFoundError: There is no such step.
        """
        program, words = self._programs.build_command(step, arguments)
        name = f"{self._plan.name}-{step}-{token}"
        with translate_errors(f"start step {step}"):
            known = self._find_cluster(name)
            if known is not None:
                return known
            plan = self._plan
            cluster = self._client.run_job_flow(
                Name=name,
                ReleaseLabel=plan.release,
                Applications=[{"Name": "Spark"}],
                ServiceRole=plan.service_role,
                JobFlowRole=plan.instance_profile,
                SecurityConfiguration=plan.security_configuration,
                LogUri=plan.log_uri,
                LogEncryptionKmsKeyId=plan.log_key_arn,
                Instances=build_instances(plan),
                ManagedScalingPolicy={
                    "ComputeLimits": {
                        "UnitType": "InstanceFleetUnits",
                        "MinimumCapacityUnits": plan.core_nodes,
                        "MaximumCapacityUnits": plan.core_nodes + plan.task_nodes,
                        "MaximumOnDemandCapacityUnits": plan.core_nodes,
                        "MaximumCoreCapacityUnits": plan.core_nodes,
                    }
                },
                Steps=[build_step(step, [*self._programs.build_options(step), program, *words])],
                Tags=[{"Key": key, "Value": value} for key, value in plan.tags.items()],
                VisibleToAllUsers=True,
            )
        return cluster["JobFlowId"]

    def get_step_state(self, run_id: str) -> tuple[RunState, str]:
        """Return the state and, for a failed run, why: what the step says, or what the cluster says that never did it."""
        with _translate(f"get run {run_id}"):
            status = self._client.list_steps(ClusterId=run_id)["Steps"][0]["Status"]
            if status["State"] in {"RUNNING", "COMPLETED", "FAILED"}:
                details = status.get("FailureDetails", {})
                reason = details.get("Message") or details.get("Reason") or ""
                place = f" (log: {details['LogFile']})" if details.get("LogFile") else ""
                return _STATES[status["State"]], f"{reason}{place}" if status["State"] == "FAILED" else ""
            cluster = self._client.describe_cluster(ClusterId=run_id)["Cluster"]["Status"]
        return _judge(status["State"], cluster)

    def cancel_step(self, run_id: str) -> None:
        """Terminate the run's cluster; a run that has ended stays as it is."""
        state, _ = self.get_step_state(run_id)
        if state in {"pending", "running"}:
            with _translate(f"cancel run {run_id}"):
                self._client.terminate_job_flows(JobFlowIds=[run_id])

    def _find_cluster(self, name: str) -> str | None:
        pages = self._client.get_paginator("list_clusters").paginate(CreatedAfter=self._clock() - LOOK_BACK)
        return next((found["Id"] for page in pages for found in page["Clusters"] if found["Name"] == name), None)


def build_instances(plan: ClusterPlan) -> JobFlowInstancesConfigTypeDef:
    """Return the fleets: primary and core on demand, so that the driver and the shuffle files stay; what may go is on Spot, and only it.

    No key pair: nobody logs in. The cluster ends with its last step.
    """
    types: list[InstanceTypeConfigTypeDef] = [{"InstanceType": each, "WeightedCapacity": 1} for each in plan.instance_types]
    primary: InstanceFleetConfigTypeDef = {
        "Name": "primary",
        "InstanceFleetType": "MASTER",
        "TargetOnDemandCapacity": 1,
        "InstanceTypeConfigs": types,
    }
    core: InstanceFleetConfigTypeDef = {
        "Name": "core",
        "InstanceFleetType": "CORE",
        "TargetOnDemandCapacity": plan.core_nodes,
        "InstanceTypeConfigs": types,
    }
    spot: InstanceFleetConfigTypeDef = {
        "Name": "task",
        "InstanceFleetType": "TASK",
        "TargetSpotCapacity": plan.task_nodes,
        "InstanceTypeConfigs": types,
        "LaunchSpecifications": {
            "SpotSpecification": {
                "AllocationStrategy": "price-capacity-optimized",
                "TimeoutDurationMinutes": SPOT_MINUTES,
                "TimeoutAction": "SWITCH_TO_ON_DEMAND",
            }
        },
    }
    return {
        "InstanceFleets": [primary, core, spot] if plan.task_nodes else [primary, core],
        "Ec2SubnetIds": list(plan.subnets),
        "EmrManagedMasterSecurityGroup": plan.primary_security_group,
        "EmrManagedSlaveSecurityGroup": plan.core_security_group,
        "ServiceAccessSecurityGroup": plan.service_security_group,
        "KeepJobFlowAliveWhenNoSteps": False,
        "TerminationProtected": False,
    }


def build_step(name: str, words: Sequence[str]) -> StepConfigTypeDef:
    """Return spark-submit as a step; the driver runs on the primary node, where what it says becomes the step's log."""
    command = ["spark-submit", "--deploy-mode", "client", *words]
    return {
        "Name": name,
        "ActionOnFailure": "TERMINATE_CLUSTER",
        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": command},
    }


def _judge(state: str, cluster: ClusterStatusTypeDef) -> tuple[RunState, str]:
    """Return what has become of a step that has neither run nor ended by itself, by what has become of its cluster."""
    change = cluster.get("StateChangeReason", {})
    if change.get("Code") == _BY_USER:
        return "cancelled", ""
    if state in _STATES and cluster.get("State") not in _ENDED:
        return _STATES[state], ""
    return "failed", f"the cluster ended: {change.get('Code', 'for no reason given')}: {change.get('Message', '')}".rstrip(": ")


@contextmanager
def _translate(action: str) -> Iterator[None]:
    """Turn errors into ours; EMR has no error code of its own for a cluster that does not exist."""
    try:
        with translate_errors(action):
            yield
    except ClientError as error:
        if "is not valid" in error.response.get("Error", {}).get("Message", ""):
            raise NotFoundError(f"{action}: {error}") from error
        raise
