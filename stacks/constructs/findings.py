"""Accepted findings of cdk-nag, each with the reason why it is accepted."""

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept the findings `{rule or rule[finding]: reason}` of cdk-nag's AwsSolutions pack on `construct`."""
    Validations.of(construct).acknowledge(*(Acknowledgment(id=f"AwsSolutions-{rule}", reason=reason) for rule, reason in reasons.items()))
