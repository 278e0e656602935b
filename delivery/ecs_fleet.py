"""A stage's service and its twin on ECS, each with one of the two target groups that the stack made for blue and green."""

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from delivery.errors import DeliveryError
from delivery.ports import Colour

if TYPE_CHECKING:
    from types_boto3_ecs import ECSClient
    from types_boto3_elbv2 import ElasticLoadBalancingv2Client

_COPIED = ("volumes", "cpu", "memory", "networkMode", "taskRoleArn", "executionRoleArn", "requiresCompatibilities", "runtimePlatform")
_STARTS_LIKE_BLUE = ("maximumPercent", "minimumHealthyPercent", "deploymentCircuitBreaker")
_EMPTY_SECONDS = 120.0


@dataclass(frozen=True)
class Question:
    """A request that every task of a good build answers with 200."""

    path: str = "/readyz"
    method: str = "GET"
    body: bytes | None = None
    headers: Mapping[str, str] | None = None
    timeout_seconds: float = 5


@dataclass(frozen=True)
class Targets:
    """The listener rule that says which colour users get, and each colour's target group."""

    rule_arn: str
    groups: Mapping[Colour, str]


class EcsFleet:
    """Blue is the service that the stack deployed; green is its twin, made when it is first needed."""

    def __init__(
        self,
        ecs: "ECSClient",
        balancers: "ElasticLoadBalancingv2Client",
        *,
        cluster: str,
        service: str,
        questions: tuple[Question, ...] = (Question(),),
    ) -> None:
        self._ecs = ecs
        self._balancers = balancers
        self._cluster = cluster
        self._names: dict[Colour, str] = {"blue": service, "green": f"{service}-green"}
        self._questions = questions
        self._targets: Targets | None = None
        self._started: dict[Colour, str] = {}

    def find_live(self) -> Colour | None:
        """Return the colour whose target group the rule forwards to, if tasks of it run."""
        targets = self._find_targets()
        rules = self._balancers.describe_rules(RuleArns=[targets.rule_arn])["Rules"]
        asked = rules[0]["Actions"][0].get("TargetGroupArn")
        for colour in self._names:
            service = self._find_service(colour)
            if targets.groups[colour] == asked and service and service["runningCount"]:
                return colour
        return None

    def find_build(self, colour: Colour) -> str | None:
        """Return the digest in the task definition of a colour with tasks; None for an image named by a tag."""
        service = self._find_service(colour)
        if service is None or not service["desiredCount"]:
            return None
        image: str = _read_definition(self._ecs, service["taskDefinition"])["containerDefinitions"][0]["image"]
        return image.partition("@")[2] or None

    def count_tasks(self, colour: Colour) -> int:
        """Return how many tasks of a colour run."""
        service = self._find_service(colour)
        return int(service["runningCount"]) if service else 0

    def start(self, colour: Colour, digest: str) -> None:
        """Register a revision that names the digest, and let the colour's service run it with blue's number of tasks."""
        blue = self._service("blue")
        revision = register_revision(self._ecs, blue["taskDefinition"], digest)
        count = max(blue["desiredCount"], *(found["desiredCount"] for found in [self._find_service("green")] if found), 1)
        self._started[colour] = revision
        if self._find_service(colour) is None:
            self._create_twin(blue, revision, count)
            return
        self._empty(colour)
        self._ecs.update_service(cluster=self._cluster, service=self._names[colour], taskDefinition=revision, desiredCount=count)

    def find_problem(self, colour: Colour) -> str | None:
        """Ask each task every question at its own address, and compare their number with the wanted one."""
        service = self._find_service(colour)
        if service is None:
            return "there is no such service"
        if service["taskDefinition"] != self._started.get(colour, service["taskDefinition"]):
            return "ECS gave the build up and went back to an earlier one"
        group = self._find_targets().groups[colour]
        targets = self._balancers.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        if len(targets) < service["desiredCount"]:
            return f"{len(targets)} of {service['desiredCount']} tasks run"
        for description in targets:
            target = description["Target"]
            for question in self._questions:
                if problem := ask(target["Id"], target["Port"], question):
                    return problem
        return None

    def cut_over(self, colour: Colour) -> None:
        """Point the rule at the colour's target group: one call, atomic for every request that comes after it."""
        targets = self._find_targets()
        forward: Any = {"Type": "forward", "TargetGroupArn": targets.groups[colour]}
        self._balancers.modify_rule(RuleArn=targets.rule_arn, Actions=[forward])

    def stop(self, colour: Colour) -> None:
        """Scale the colour to nothing."""
        self._ecs.update_service(cluster=self._cluster, service=self._names[colour], desiredCount=0)

    def _empty(self, colour: Colour) -> None:
        """End what the idle colour ran before: its answers must not be taken for the new build's."""
        self.stop(colour)
        deadline = time.monotonic() + _EMPTY_SECONDS
        while self._service(colour)["runningCount"]:
            if time.monotonic() > deadline:
                raise DeliveryError(f"{self._names[colour]} still runs what it ran before after {_EMPTY_SECONDS:.0f} s")
            time.sleep(1)

    def _find_targets(self) -> "Targets":
        """Return what the stack made for the two colours, looked up once: going back must not wait for it."""
        if self._targets is None:
            attached = self._service("blue")["loadBalancers"][0]
            advanced = attached["advancedConfiguration"]
            groups: dict[Colour, str] = {"blue": attached["targetGroupArn"], "green": advanced["alternateTargetGroupArn"]}
            self._targets = Targets(advanced["productionListenerRule"], groups)
        return self._targets

    def _find_service(self, colour: Colour) -> dict[str, Any] | None:
        found: Any = self._ecs.describe_services(cluster=self._cluster, services=[self._names[colour]])["services"]
        return next((dict(service) for service in found if service["status"] == "ACTIVE"), None)

    def _service(self, colour: Colour) -> dict[str, Any]:
        service = self._find_service(colour)
        if service is None:
            raise DeliveryError(f"{self._cluster} has no service {self._names[colour]}")
        return service

    def _create_twin(self, blue: dict[str, Any], revision: str, count: int) -> None:
        attached = blue["loadBalancers"][0]
        target: Any = {"targetGroupArn": self._find_targets().groups["green"]}
        target |= {name: attached[name] for name in ("containerName", "containerPort")}
        configuration: Any = {name: blue["deploymentConfiguration"][name] for name in _STARTS_LIKE_BLUE}
        self._ecs.create_service(
            cluster=self._cluster,
            serviceName=self._names["green"],
            taskDefinition=revision,
            desiredCount=count,
            launchType="FARGATE",
            networkConfiguration=blue["networkConfiguration"],
            deploymentConfiguration=configuration,
            loadBalancers=[target],
        )


def register_revision(ecs: "ECSClient", arn: str, digest: str) -> str:
    """Register a revision like `arn` whose first container runs the digest, and return its name."""
    definition = _read_definition(ecs, arn)
    container, *others = definition["containerDefinitions"]
    repository = container["image"].partition("@")[0]
    if ":" in repository.rpartition("/")[2]:
        repository = repository.rpartition(":")[0]
    request: Any = {name: definition[name] for name in ("family", *_COPIED) if definition.get(name)}
    request["containerDefinitions"] = [{**container, "image": f"{repository}@{digest}"}, *others]
    registered = ecs.register_task_definition(**request)
    return registered["taskDefinition"]["taskDefinitionArn"]


def _read_definition(ecs: "ECSClient", arn: str) -> dict[str, Any]:
    return dict(ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"])


def ask(host: str, port: int, question: Question) -> str | None:
    """Return what is wrong with the answer to a question; None for 200."""
    connection = http.client.HTTPConnection(host, port, timeout=question.timeout_seconds)
    try:
        connection.request(question.method, question.path, question.body, dict(question.headers or {}))
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"{host}:{port}{question.path}: {error}"
    else:
        return None if status == http.HTTPStatus.OK else f"{host}:{port}{question.path} answered {status}"
    finally:
        connection.close()
