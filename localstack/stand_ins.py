"""What stands behind each resource of the deployed stacks: something real, an emulation, a bridge, or a record and nothing more."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from localstack.provisioners import PLAIN, WITH_EFFECT
from localstack.screen import Kind, Screen

KINDS: tuple[Kind, ...] = ("real", "emulated", "bridged", "stub")
_STACK_PREFIX = "Presage-"
_GONE = {"DELETE_COMPLETE"}

BRIDGED = {
    "AWS::ECS::Cluster": "tasks run as processes of the launcher",
    "AWS::ECS::Service": "runs as a process with its task definition's environment",
    "AWS::ECS::TaskDefinition": "its command, variables and secrets are what the process gets",
}
IN_CONTAINERS: dict[str, tuple[Kind, str]] = {
    "AWS::ECR::Repository": ("emulated", "holds the built image; podman pulls from it by digest"),
    "AWS::ECS::Cluster": ("emulated", "its tasks are containers of podman; capacity providers are recorded only"),
    "AWS::ECS::Service": ("emulated", "keeps its tasks running; blue/green, bake time and alarms are done by delivery's own controller"),
    "AWS::ECS::TaskDefinition": (
        "emulated",
        "image, command, variables, secrets and log of real containers; sizes, read-only root and health check are not applied",
    ),
    "AWS::ElasticLoadBalancingV2::": ("emulated", "forwards to the containers; a rule's first group gets all, no target is ever unhealthy"),
    "AWS::ApiGatewayV2::VpcLink": ("bridged", "the gateway finds the load balancer by its name"),
}
"""What is otherwise behind types (or their beginnings) where the emulator's ECS has a container engine."""
RECORDED = {
    "AWS::ApiGateway::Account": "nobody writes the log it points at",
    "AWS::ApiGateway::BasePathMapping": "the domain resolves nowhere",
    "AWS::ApiGateway::DomainName": "the domain resolves nowhere",
    "AWS::CertificateManager::Certificate": "never issued, nothing presents it",
    "AWS::EC2::": "no network: everything listens on loopback",
    "AWS::ECR::Repository": "images are not pushed unless containers run",
    "AWS::ElasticLoadBalancingV2::": "nothing is behind it unless containers run",
    "AWS::IAM::": "policies are not enforced",
    "AWS::Lambda::Permission": "not enforced",
    "AWS::RDS::DBParameterGroup": "MariaDB keeps its own parameters",
    "AWS::RDS::DBSubnetGroup": "no network",
    "AWS::Route53::": "records can be read back and resolve nowhere",
    "AWS::S3::BucketPolicy": "not enforced",
    "AWS::SNS::TopicPolicy": "not enforced",
    "AWS::SQS::QueuePolicy": "not enforced",
    "AWS::WAFv2::": "no request passes through it",
}
"""Types (or their beginnings) that the emulator keeps a record of, and why that is all."""


@dataclass(frozen=True)
class StandIn:
    """How many resources of one type are deployed, and what is behind them."""

    type_name: str
    count: int
    kind: Kind
    note: str


def classify(type_name: str, *, containers: bool = False) -> tuple[Kind, str]:
    """Return what is behind a resource of the type, and what should be known about it."""
    in_containers = next((found for beginning, found in IN_CONTAINERS.items() if type_name.startswith(beginning)), None)
    if containers and in_containers is not None:
        return in_containers
    if type_name in BRIDGED:
        return "bridged", BRIDGED[type_name]
    if type_name in WITH_EFFECT:
        return WITH_EFFECT[type_name], ""
    reason = next((note for beginning, note in RECORDED.items() if type_name.startswith(beginning)), None)
    if reason is not None:
        return "stub", reason
    return (PLAIN[type_name].kind, "") if type_name in PLAIN else ("emulated", "")


def list_stand_ins(cloudformation: Any, *, containers: bool = False) -> list[StandIn]:  # noqa: ANN401 - a boto3 client, of the emulator
    """Return every type of the deployed stacks of the project, the real ones first and the stubs last."""
    counts: Counter[str] = Counter()
    for page in cloudformation.get_paginator("describe_stacks").paginate():
        names = [stack["StackName"] for stack in page["Stacks"] if stack["StackStatus"] not in _GONE]
        for name in (name for name in names if name.startswith(_STACK_PREFIX)):
            for part in cloudformation.get_paginator("list_stack_resources").paginate(StackName=name):
                counts.update(each["ResourceType"] for each in part["StackResourceSummaries"] if each["ResourceStatus"] not in _GONE)
    found = [StandIn(type_name, count, *classify(type_name, containers=containers)) for type_name, count in counts.items()]
    return sorted(found, key=lambda each: (KINDS.index(each.kind), each.type_name))


def print_stand_ins(stand_ins: list[StandIn], screen: Screen) -> None:
    """Say of every type how many there are and what is behind them, then the sums."""
    for each in stand_ins:
        screen.piece(f"{each.count} x", each.kind, f"{each.type_name}{f': {each.note}' if each.note else ''}")
    sums = {kind: sum(each.count for each in stand_ins if each.kind == kind) for kind in KINDS}
    screen.say("resources: " + ", ".join(f"{count} {kind}" for kind, count in sums.items()))
