"""In an account ECS itself deploys: the service's own strategy, circuit breaker and alarms decide (stacks/public_api.py)."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from delivery.ecs_fleet import register_revision
from delivery.errors import DeliveryError

if TYPE_CHECKING:
    from types_boto3_ecs import ECSClient

_POLL_SECONDS = 5.0


class EcsDeployment:
    """Hands a build to ECS and waits for its verdict. It has not run in an account yet."""

    def __init__(self, ecs: "ECSClient", *, cluster: str, service: str, patience_seconds: float, say: Callable[[str], None]) -> None:
        self._ecs = ecs
        self._cluster = cluster
        self._service = service
        self._patience_seconds = patience_seconds
        self._say = say

    def release(self, digest: str) -> None:
        """Let the service run the build.

        Raises:
            DeliveryError: ECS rolled the deployment back or did not finish it in time.
        """
        current = self._ecs.describe_services(cluster=self._cluster, services=[self._service])["services"][0]
        revision = register_revision(self._ecs, current["taskDefinition"], digest)
        began = time.monotonic()
        self._ecs.update_service(cluster=self._cluster, service=self._service, taskDefinition=revision)
        while time.monotonic() - began < self._patience_seconds:
            deployments = self._ecs.describe_services(cluster=self._cluster, services=[self._service])["services"][0]["deployments"]
            primary = next(each for each in deployments if each["status"] == "PRIMARY")
            state = primary.get("rolloutState", "IN_PROGRESS")
            if primary["taskDefinition"] != revision or state == "FAILED":
                raise DeliveryError(f"ECS rolled {digest} back: {primary.get('rolloutStateReason', 'no reason given')}")
            if state == "COMPLETED":
                self._say(f"{digest} serves after {time.monotonic() - began:.0f} s")
                return
            time.sleep(_POLL_SECONDS)
        raise DeliveryError(f"ECS has not finished within {self._patience_seconds:.0f} s; it goes on, look at the service's events")

    def roll_back(self, digest: str) -> None:
        """Let the service run an earlier build: for ECS a deployment like any other."""
        self.release(digest)
