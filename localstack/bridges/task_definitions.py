"""What a task definition tells ECS's agent: which command to run, with which environment."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_ecs import ECSClient
    from types_boto3_secretsmanager import SecretsManagerClient

_INHERITED = ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")

ARN_PARTS = 7
"""`arn:aws:secretsmanager:<region>:<account>:secret:<name>`."""


class RefusedError(Exception):
    """A request that ECS refuses; `kind` is the service's exception."""

    def __init__(self, kind: str, message: str) -> None:
        """Keep the exception's name."""
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Launch:
    """One container as a process."""

    task_definition_arn: str
    container: str
    command: tuple[str, ...]
    environment: Mapping[str, str]


def resolve_launch(request: Mapping[str, Any], *, ecs: ECSClient, secrets: SecretsManagerClient, machine: Mapping[str, str]) -> Launch:
    """Return the launch that RunTask asks for: the definition's single container, its secrets resolved, overrides applied.

    Raises:
        RefusedError: Cluster or definition do not exist, the definition has several containers, or an override names another one.
    """
    clusters = ecs.describe_clusters(clusters=[request.get("cluster", "default")])["clusters"]
    if not clusters or clusters[0].get("status") != "ACTIVE":
        raise RefusedError("ClusterNotFoundException", "Cluster not found.")
    try:
        definition = ecs.describe_task_definition(taskDefinition=request["taskDefinition"])["taskDefinition"]
    except ecs.exceptions.ClientException as error:
        raise RefusedError("ClientException", str(error)) from error
    if len(definition["containerDefinitions"]) != 1:
        raise RefusedError("ClientException", "the bridge runs definitions of one container")
    container: Mapping[str, Any] = definition["containerDefinitions"][0]
    override = _find_override(request, container["name"])
    command = [*container.get("entryPoint", []), *(override.get("command") or container.get("command") or [])]
    if not command:
        raise RefusedError("ClientException", "the bridge cannot see an image's own entry point: the definition must name it")
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ} | dict(machine)
    environment |= _read_pairs(container.get("environment", []))
    environment |= {found["name"]: _resolve_secret(found["valueFrom"], secrets) for found in container.get("secrets", [])}
    environment |= _read_pairs(override.get("environment", []))
    words = [sys.executable if index == 0 and word in {"python", "python3"} else word for index, word in enumerate(command)]
    return Launch(definition["taskDefinitionArn"], container["name"], tuple(words), environment)


def _find_override(request: Mapping[str, Any], container: str) -> Mapping[str, Any]:
    overrides: list[Mapping[str, Any]] = request.get("overrides", {}).get("containerOverrides", [])
    for override in overrides:
        if override.get("name") != container:
            message = f"Override for container named {override.get('name')} is not a container in the TaskDefinition."
            raise RefusedError("InvalidParameterException", message)
    return overrides[0] if overrides else {}


def _read_pairs(pairs: list[Mapping[str, str]]) -> dict[str, str]:
    return {pair["name"]: pair["value"] for pair in pairs}


def _resolve_secret(reference: str, secrets: SecretsManagerClient) -> str:
    """Return a secret's text; `arn:…:secret:<name>[:<key>:<stage>:<version>]` may pick one key of a JSON secret."""
    parts = reference.split(":")
    secret_id, key = ":".join(parts[:ARN_PARTS]), (parts[ARN_PARTS] if len(parts) > ARN_PARTS else "")
    text = secrets.get_secret_value(SecretId=secret_id)["SecretString"]
    return str(json.loads(text)[key]) if key else text
