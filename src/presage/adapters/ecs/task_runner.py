"""The trainer as a task on an ECS cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from presage.adapters.client import translate_errors
from presage.errors import NotFoundError, UnavailableError
from presage.training.ports import RunState

if TYPE_CHECKING:
    from types_boto3_ecs import ECSClient
    from types_boto3_ecs.type_defs import TaskTypeDef

CONTAINER = "trainer"
"""The name of the trainer's container in its task definition."""


class EcsTaskRunner:
    """`TaskRunner` on Fargate: the task definition's entry point, with the arguments as the container's command."""

    def __init__(
        self, client: ECSClient, *, cluster: str, task_definition: str, subnets: Sequence[str], security_groups: Sequence[str]
    ) -> None:
        """Run tasks of the definition on the cluster, in these subnets."""
        self._client = client
        self._cluster = cluster
        self._task_definition = task_definition
        self._subnets = subnets
        self._security_groups = security_groups

    def start_task(self, arguments: Sequence[str], *, token: str) -> str:
        """Start the trainer and return the task's ARN. Idempotency: ECS starts one task a token.

        Raises:
            UnavailableError: There is no capacity now.
        """
        with translate_errors("start the trainer"):
            answer = self._client.run_task(
                cluster=self._cluster,
                taskDefinition=self._task_definition,
                clientToken=token,
                count=1,
                launchType="FARGATE",
                networkConfiguration={
                    "awsvpcConfiguration": {
                        "subnets": list(self._subnets),
                        "securityGroups": list(self._security_groups),
                        "assignPublicIp": "DISABLED",
                    }
                },
                overrides={"containerOverrides": [{"name": CONTAINER, "command": list(arguments)}]},
            )
        if not answer["tasks"]:
            reasons = ", ".join(failure.get("reason", "unknown") for failure in answer["failures"])
            raise UnavailableError(f"the trainer was not placed: {reasons}")
        return answer["tasks"][0]["taskArn"]

    def get_task_state(self, task_id: str) -> tuple[RunState, str]:
        """Return the state and, for a failed task, why; raise `NotFoundError` for one that ECS has forgotten."""
        with translate_errors(f"describe task {task_id}"):
            answer = self._client.describe_tasks(cluster=self._cluster, tasks=[task_id])
        if not answer["tasks"]:
            raise NotFoundError(f"no task {task_id!r} on cluster {self._cluster!r}")
        task = answer["tasks"][0]
        if task["lastStatus"] == "STOPPED":
            return _describe_end(task)
        return ("running" if task["lastStatus"] == "RUNNING" else "pending"), ""

    def stop_task(self, task_id: str) -> None:
        """Ask the task to stop; a task that has ended stays as it is."""
        with translate_errors(f"stop task {task_id}"):
            self._client.stop_task(cluster=self._cluster, task=task_id, reason="the job was cancelled")


def _describe_end(task: TaskTypeDef) -> tuple[RunState, str]:
    container = next((found for found in task["containers"] if found.get("name") == CONTAINER), None)
    exit_code = container.get("exitCode") if container else None
    if exit_code == 0:
        return "succeeded", ""
    if task.get("stopCode") == "UserInitiated":
        return "cancelled", ""
    reason = (container or {}).get("reason") or task.get("stoppedReason") or "no reason given"
    return "failed", f"exit code {exit_code}: {reason}"
