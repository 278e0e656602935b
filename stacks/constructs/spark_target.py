"""What Spark steps run on, as the service that submits them sees it."""

from collections.abc import Mapping
from typing import Protocol

from aws_cdk import aws_iam as iam


class SparkTarget(Protocol):
    """An application of EMR Serverless, or clusters on EC2."""

    role: iam.Role
    """The role that a step's code runs under."""

    @property
    def setting(self) -> Mapping[str, object]:
        """What the service is told; `kind` says which of the two it is."""

    def grant_submit(self, role: iam.IRole) -> None:
        """Let `role` start, follow and cancel steps."""


def pass_role(role: iam.IRole, passed: iam.IRole, *, service: str) -> None:
    """Let `role` hand `passed` to one service."""
    to_service = {"StringEquals": {"iam:PassedToService": service}}
    role.add_to_principal_policy(iam.PolicyStatement(actions=["iam:PassRole"], resources=[passed.role_arn], conditions=to_service))
