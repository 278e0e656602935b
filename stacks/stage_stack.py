"""What every stack of a stage has in common."""

import aws_cdk as cdk
from constructs import Construct

from stacks.config import StageConfig

_LINT = {"cfn-lint": {"config": {"ignore_checks": ["W3005"]}}}
"""The construct library writes dependencies out that a reference implies already, and offers no way to leave them out."""


class StageStack(cdk.Stack):
    """A stack named after its stage and capability, tagged, and protected where the stage holds data."""

    def __init__(self, scope: Construct, name: str, *, config: StageConfig, description: str) -> None:
        super().__init__(
            scope,
            f"Presage-{config.title}-{name}",
            env=cdk.Environment(account=config.account, region=config.region),
            description=description,
            termination_protection=config.retain,
        )
        self.config = config
        self.template_options.metadata = _LINT
        for tag, value in {
            "stage": config.name,
            "service": name.lower(),
            "owner": "platform",
            "cost-center": f"presage-{config.name}",
        }.items():
            cdk.Tags.of(self).add(tag, value)

    @property
    def removal_policy(self) -> cdk.RemovalPolicy:
        """What happens to a stateful resource that leaves its stack."""
        return cdk.RemovalPolicy.RETAIN if self.config.retain else cdk.RemovalPolicy.DESTROY

    def export_output(self, name: str, value: str) -> None:
        """Add the stack output `name`, which operators and the local launcher read."""
        cdk.CfnOutput(self, name, value=value)
