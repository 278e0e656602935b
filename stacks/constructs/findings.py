"""Accepted findings of cdk-nag's AwsSolutions pack, each beside the thing it concerns and with the reason why it is accepted."""

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

WILDCARDS = "presage:accepted-wildcards"


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept the findings `{rule: reason}` on `construct` and everything below it."""
    Validations.of(construct).acknowledge(*(Acknowledgment(id=f"AwsSolutions-{rule}", reason=reason) for rule, reason in reasons.items()))


def accept_wildcards(construct: IConstruct, reason: str, *patterns: str) -> None:
    """Accept rule IAM5 on `construct` for the actions and resources that match one of the regular expressions `patterns`.

    cdk-nag 3 wants each of them acknowledged by its full text, which for a bucket of another stack holds generated export names.
    The patterns are metadata of the construct; the test that runs cdk-nag matches its findings with them.
    """
    construct.node.add_metadata(WILDCARDS, dict.fromkeys(patterns, reason))


LOG_POLICY = "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]"
STAGING_KEYS = r"Resource::.*Lake.*/ws=\*/staging/\*"
