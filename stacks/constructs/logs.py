"""Log groups, each with a retention."""

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.stage_stack import StageStack

_RETENTION = {7: logs.RetentionDays.ONE_WEEK, 30: logs.RetentionDays.ONE_MONTH, 365: logs.RetentionDays.ONE_YEAR}


def build_log_group(scope: Construct, construct_id: str, *, name: str | None = None) -> logs.LogGroup:
    """Return a log group that keeps its events as long as the stage says."""
    stack = cdk.Stack.of(scope)
    if not isinstance(stack, StageStack):
        raise TypeError(f"{construct_id} is not in a stack of a stage")
    return logs.LogGroup(
        scope,
        construct_id,
        log_group_name=name,
        retention=_RETENTION[stack.config.log_retention_days],
        removal_policy=stack.removal_policy,
    )
