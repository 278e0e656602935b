"""EMR on EC2 on spark-submit: the operations of the service's JSON 1.1 that running a step on a cluster of its own needs.

A cluster is a record; its one step is a run of `spark_runs`, as a job run of EMR Serverless is. The cluster ends with its step, as
one that is not kept alive does. What a cluster would be refused for is refused: without a network, roles or a security configuration.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localstack.bridges.spark_runs import Run, SparkRuns, State

TARGET = "ElasticMapReduce."
_ALPHABET = string.ascii_uppercase + string.digits
_NEEDED = ("Name", "ReleaseLabel", "ServiceRole", "JobFlowRole", "SecurityConfiguration", "LogUri")
_SUBMIT = ("spark-submit", "--deploy-mode", "client")
_STEP_STATES: Mapping[State, str] = {
    "SUBMITTED": "PENDING",
    "RUNNING": "RUNNING",
    "CANCELLING": "RUNNING",
    "SUCCESS": "COMPLETED",
    "FAILED": "FAILED",
    "CANCELLED": "CANCELLED",
}
_CLUSTER_STATES: Mapping[State, tuple[str, str]] = {
    "SUBMITTED": ("STARTING", ""),
    "RUNNING": ("RUNNING", ""),
    "CANCELLING": ("TERMINATING", "USER_REQUEST"),
    "SUCCESS": ("TERMINATED", "ALL_STEPS_COMPLETED"),
    "FAILED": ("TERMINATED_WITH_ERRORS", "STEP_FAILURE"),
    "CANCELLED": ("TERMINATED", "USER_REQUEST"),
}


class RefusedError(Exception):
    """A request that EMR refuses; `kind` is the service's exception."""

    def __init__(self, message: str, kind: str = "ValidationException") -> None:
        """Keep the exception's name."""
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Cluster:
    """What was asked for, and the run of its step."""

    cluster_id: str
    request: Mapping[str, Any]
    run: Run


class ClusterBridge:
    """The operations."""

    def __init__(self, runs: SparkRuns) -> None:
        """Start and stop `runs`."""
        self._runs = runs
        self._clusters: dict[str, Cluster] = {}
        self._operations: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "RunJobFlow": self.run_job_flow,
            "ListClusters": self.list_clusters,
            "DescribeCluster": self.describe_cluster,
            "ListSteps": self.list_steps,
            "TerminateJobFlows": self.terminate_job_flows,
        }

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do an operation by its name.

        Raises:
            RefusedError: The bridge does not know it, or EMR would refuse the request.
        """
        if operation not in self._operations:
            raise RefusedError(f"the bridge does not know {operation}", "UnknownOperationException")
        return self._operations[operation](request)

    def run_job_flow(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Record the cluster and queue its step."""
        _check(request)
        cluster_id = "j-" + "".join(secrets.choice(_ALPHABET) for _ in range(13))
        (step,) = request["Steps"]
        job = {"clientToken": cluster_id, "name": step["Name"], "jobDriver": {"sparkSubmit": _read_command(step["HadoopJarStep"]["Args"])}}
        self._clusters[cluster_id] = Cluster(cluster_id, request, self._runs.start(cluster_id, job))
        return {"JobFlowId": cluster_id, "ClusterArn": _build_arn(cluster_id)}

    def list_clusters(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Summaries of the clusters that are young enough, the newest first."""
        after = float(request.get("CreatedAfter", 0))
        found = [each for each in reversed(self._clusters.values()) if each.run.created_at >= after]
        return {"Clusters": [{"Id": each.cluster_id, "Name": each.request["Name"], "Status": _describe_status(each.run)} for each in found]}

    def describe_cluster(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The cluster with what it was asked to be."""
        cluster = self._find(request["ClusterId"])
        asked = {
            name: value for name, value in cluster.request.items() if name in {*_NEEDED, "LogEncryptionKmsKeyId", "Tags", "Applications"}
        }
        asked.pop("JobFlowRole")
        instances = {
            "IamInstanceProfile": cluster.request["JobFlowRole"],
            "RequestedEc2SubnetIds": cluster.request["Instances"]["Ec2SubnetIds"],
        }
        described = {
            "Id": cluster.cluster_id,
            "Status": _describe_status(cluster.run),
            "Ec2InstanceAttributes": instances,
            "AutoTerminate": True,
        }
        return {"Cluster": {**described, **asked, "ClusterArn": _build_arn(cluster.cluster_id)}}

    def list_steps(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The cluster's one step."""
        run = self._find(request["ClusterId"]).run
        status: dict[str, Any] = {"State": _STEP_STATES[run.state], "Timeline": {"CreationDateTime": run.created_at}}
        if run.state == "FAILED":
            status["FailureDetails"] = {"Reason": "Unknown Error.", "Message": run.details}
        return {"Steps": [{"Id": f"s-{run.run_id[:13].upper()}", "Name": run.request["name"], "Status": status}]}

    def terminate_job_flows(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """End clusters; those that have ended stay as they are."""
        for cluster in [self._find(each) for each in request["JobFlowIds"]]:
            self._runs.cancel(cluster.run)
        return {}

    def _find(self, cluster_id: str) -> Cluster:
        if cluster_id not in self._clusters:
            raise RefusedError(f"Cluster id '{cluster_id}' is not valid.", "InvalidRequestException")
        return self._clusters[cluster_id]


def _check(request: Mapping[str, Any]) -> None:
    missing = [name for name in _NEEDED if not request.get(name)]
    instances = request["Instances"]
    missing += [name for name in ("InstanceFleets", "Ec2SubnetIds") if not instances.get(name)]
    if missing:
        raise RefusedError(f"missing: {', '.join(missing)}")
    if instances.get("KeepJobFlowAliveWhenNoSteps") or len(request["Steps"]) != 1:
        raise RefusedError("the bridge runs clusters of one step, which end with it")


def _read_command(words: Sequence[str]) -> dict[str, Any]:
    """Return spark-submit's command line as a job run has it; where the driver runs makes no difference here."""
    if tuple(words[: len(_SUBMIT)]) != _SUBMIT:
        raise RefusedError(f"the bridge runs {' '.join(_SUBMIT)}, not {' '.join(words[: len(_SUBMIT)])}")
    rest = words[len(_SUBMIT) :]
    entry = next(index for index, word in enumerate(rest) if word.endswith(".py") and not rest[index - 1].startswith("--"))
    return {"entryPoint": rest[entry], "sparkSubmitParameters": " ".join(rest[:entry]), "entryPointArguments": list(rest[entry + 1 :])}


def _describe_status(run: Run) -> dict[str, Any]:
    state, code = _CLUSTER_STATES[run.state]
    return {
        "State": state,
        "StateChangeReason": {"Code": code, "Message": run.details} if code else {},
        "Timeline": {"CreationDateTime": run.created_at},
    }


def _build_arn(cluster_id: str) -> str:
    return f"arn:aws:elasticmapreduce:us-east-1:000000000000:cluster/{cluster_id}"
