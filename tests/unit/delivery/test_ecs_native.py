"""What ECS's verdict becomes."""

from typing import Any

import pytest

from delivery.ecs_native import EcsDeployment
from delivery.errors import DeliveryError


class MemoryEcs:
    """A service whose next deployment ends as told."""

    def __init__(self, state: str, *, rolls_back: bool = False) -> None:
        self.serves = "family:1"
        self.images: dict[str, str] = {"family:1": "registry/presage/public_api:tag"}
        self._state = state
        self._rolls_back = rolls_back

    def describe_services(self, **_request: object) -> dict[str, Any]:
        primary = {"status": "PRIMARY", "taskDefinition": self.serves, "rolloutState": self._state, "rolloutStateReason": "alarm"}
        return {"services": [{"taskDefinition": self.serves, "deployments": [primary]}]}

    def describe_task_definition(self, **request: str) -> dict[str, Any]:
        return {"taskDefinition": {"family": "family", "containerDefinitions": [{"image": self.images[request["taskDefinition"]]}]}}

    def register_task_definition(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - the client's own
        arn = f"family:{len(self.images) + 1}"
        self.images[arn] = request["containerDefinitions"][0]["image"]
        return {"taskDefinition": {"taskDefinitionArn": arn}}

    def update_service(self, **request: str) -> None:
        if not self._rolls_back:
            self.serves = request["taskDefinition"]


def deploy(ecs: Any, *, patience_seconds: float = 10) -> None:  # noqa: ANN401 - stands in for the client
    EcsDeployment(ecs, cluster="c", service="s", patience_seconds=patience_seconds, say=lambda _: None).release("sha256:b")


def test_a_completed_deployment_serves_the_digest() -> None:
    ecs = MemoryEcs("COMPLETED")
    deploy(ecs)
    assert ecs.images[ecs.serves] == "registry/presage/public_api@sha256:b"


@pytest.mark.parametrize("ecs", [MemoryEcs("FAILED"), MemoryEcs("COMPLETED", rolls_back=True)])
def test_a_deployment_that_ecs_gave_up_is_a_failed_release(ecs: MemoryEcs) -> None:
    with pytest.raises(DeliveryError, match="rolled sha256:b back: alarm"):
        deploy(ecs)


def test_ecs_is_not_waited_for_without_end() -> None:
    with pytest.raises(DeliveryError, match="not finished"):
        deploy(MemoryEcs("IN_PROGRESS"), patience_seconds=0)
