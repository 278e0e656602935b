"""The project's own stacks, synthesised once and deployed by the CDK's command line to the endpoint of the environment."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import boto3

from localstack import genuine
from localstack.places import ROOT, Places
from localstack.toolchain import ensure_cdk, ensure_node
from tests.fixtures.synthesis import UNJUDGED

ACCOUNT = "000000000000"
REGION = "us-east-1"
PREFIX = "Presage-Local-"
SECONDS = 300

Template = dict[str, Any]


class ProjectStacks:
    """Whole stacks only: none of their resources is left out or changed."""

    def __init__(self, folder: Path, *, origin: str, names: tuple[str, ...]) -> None:
        """Synthesise into `folder`, with the gateway's calls going to `origin`; only the stacks `names` are going to be deployed."""
        node = ensure_node(Places(), say=print)
        self._cdk_program = ensure_cdk(node, say=print)
        self._path = f"{node}{os.pathsep}{os.environ['PATH']}"  # noqa: TID251 - a program is found by it
        self._folder = folder
        context = ["-c", "stage=local", "-c", f"public_api_origin={origin}"]
        self._run("synth", "--quiet", "--exclusively", "--output", str(folder), *context, *(f"{PREFIX}{name}" for name in names))
        self._run("bootstrap", f"aws://{ACCOUNT}/{REGION}", "--app", str(folder))

    def template(self, name: str) -> Template:
        template: Template = json.loads((self._folder / f"{PREFIX}{name}.template.json").read_text())
        return template

    def list_unsupported(self, name: str) -> set[str]:
        """The types of the stack that LocalStack cannot create."""
        known = genuine.list_resource_types(Places())
        return {each["Type"] for each in self.template(name)["Resources"].values() if each["Type"].lower() not in known}

    def deploy(self, name: str) -> dict[str, str]:
        """Deploy the stack alone and return its outputs."""
        stack = f"{PREFIX}{name}"
        self._run("deploy", stack, "--exclusively", "--app", str(self._folder), "--require-approval", "never")
        outputs = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
        return {output["OutputKey"]: output["OutputValue"] for output in outputs}

    def list_pretended(self, name: str) -> set[str]:
        """The types that LocalStack says it deployed though it created nothing."""
        events = boto3.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=f"{PREFIX}{name}")
        return {
            event["ResourceType"]
            for page in events
            for event in page["StackEvents"]
            if "not supported" in event.get("ResourceStatusReason", "")
        }

    def list_physical_ids(self, name: str) -> dict[str, str]:
        """Physical id by logical id of everything in the deployed stack."""
        summaries = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=f"{PREFIX}{name}")
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for page in summaries for each in page["StackResourceSummaries"]}

    def _run(self, *arguments: str) -> None:
        result = subprocess.run(
            [str(self._cdk_program), "--no-notices", *arguments],
            cwd=ROOT,
            env={**os.environ, "PATH": self._path, "CDK_DISABLE_CLI_TELEMETRY": "true"} | UNJUDGED,  # noqa: TID251 - the endpoint variables are in it
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        assert result.returncode == 0, f"cdk {arguments[0]} failed:\n{result.stdout}\n{result.stderr}"
