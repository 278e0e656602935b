"""What the deployed stacks say about how a service runs: its environment, its secrets, its command, its addresses."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from localstack.beanstalk import read_processes
from localstack.emulator import REGION
from localstack.program import StartError

_ENVIRONMENT = "aws:elasticbeanstalk:application:environment"
_SECRETS = "aws:elasticbeanstalk:application:environmentsecrets"
_FINISHED = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
_ARN_PARTS = 7  # arn:aws:secretsmanager:region:account:secret:name; what follows is key, stage and version


@dataclass(frozen=True)
class Service:
    """How one service is to run: its command line, its variables, secrets included, and from Beanstalk its settings and its bundle."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    options: Mapping[tuple[str, str], str]
    bundle: bytes = b""


class Deployed:
    """Reads the emulator back, as the agents of ECS and Elastic Beanstalk would read AWS."""

    def __init__(self, endpoint: str, *, resources: Path) -> None:
        self._endpoint = endpoint
        self._resources = resources

    def client(self, service: str) -> Any:  # noqa: ANN401 - one function for every service
        """Return an AWS client of the emulator."""
        build: Any = boto3.client  # its overloads know literal names only
        return build(
            service,
            endpoint_url=self._endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the emulator's
            config=Config(retries={"mode": "standard", "max_attempts": 5}, s3={"addressing_style": "path"}),
        )

    def outputs(self, prefix: str = "Presage-") -> dict[str, str]:
        """Return the outputs of all stacks whose names begin so, by name; nothing if one is unfinished or there is none."""
        found: dict[str, str] = {}
        for page in self.client("cloudformation").get_paginator("describe_stacks").paginate():
            for stack in page["Stacks"]:
                if not stack["StackName"].startswith(prefix):
                    continue
                if stack["StackStatus"] not in _FINISHED:
                    return {}
                found |= {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}
        return found

    def task(self, task_definition: str) -> Service:
        """Return how the first container of an ECS task definition runs."""
        definition = self.client("ecs").describe_task_definition(taskDefinition=task_definition)["taskDefinition"]
        container = definition["containerDefinitions"][0]
        plain = {pair["name"]: pair["value"] for pair in container.get("environment", ())}
        secret = {pair["name"]: self.secret(pair["valueFrom"]) for pair in container.get("secrets", ())}
        command = (*container.get("entryPoint", ()), *container.get("command", ()))
        return Service(command, {**plain, **secret}, {})

    def beanstalk(self, environment: str) -> Service:
        """Return how the instances of a Beanstalk environment run: option settings, and the bundle's Procfile."""
        properties = self._read("AWS::ElasticBeanstalk::Environment", environment)
        options = {(each["Namespace"], each["OptionName"]): str(each["Value"]) for each in properties["OptionSettings"]}
        plain = {name: value for (namespace, name), value in options.items() if namespace == _ENVIRONMENT}
        secret = {name: self.secret(value) for (namespace, name), value in options.items() if namespace == _SECRETS}
        bundle = self._read_bundle(str(properties["VersionLabel"]))
        return Service(_read_command(bundle), {**plain, **secret}, options, bundle)

    def secret(self, reference: str) -> str:
        """Return the value that an ARN of Secrets Manager refers to, of one JSON key if the reference names one.

        Raises:
            StartError: There is no such secret.
        """
        parts = reference.split(":")
        key = parts[_ARN_PARTS] if len(parts) > _ARN_PARTS else ""
        try:
            text = str(self.client("secretsmanager").get_secret_value(SecretId=":".join(parts[:_ARN_PARTS]))["SecretString"])
        except ClientError as error:
            raise StartError(f"the secret {reference} cannot be read: {error}") from error
        return str(json.loads(text)[key]) if key else text

    def _read(self, type_name: str, identity: str) -> dict[str, Any]:
        path = self._resources / f"{type_name.replace('::', '-')}.{identity}.json"
        if not path.exists():
            raise StartError(f"{type_name} {identity} is not deployed")
        properties: dict[str, Any] = json.loads(path.read_text())["properties"]
        return properties

    def _read_bundle(self, version: str) -> bytes:
        source = self._read("AWS::ElasticBeanstalk::ApplicationVersion", version)["SourceBundle"]
        return bytes(self.client("s3").get_object(Bucket=source["S3Bucket"], Key=source["S3Key"])["Body"].read())


def _read_command(bundle: bytes) -> tuple[str, ...]:
    """Return the web process of the bundle's Procfile.

    Raises:
        StartError: The Procfile names other processes too, which nobody would run here.
    """
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        processes = read_processes(archive.read("Procfile").decode())
    if processes.keys() != {"web"}:
        raise StartError(f"the Procfile names {', '.join(sorted(processes))}; only `web` is run here")
    return processes["web"]
