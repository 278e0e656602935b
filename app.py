"""The CDK application: `cdk synth -c stage=local|staging|production`. It calls no AWS service."""

import aws_cdk as cdk

from stacks.application import build_stacks
from stacks.config import read_stage


def main() -> None:
    """Synthesise every stack of the stage that the context names."""
    app = cdk.App()
    build_stacks(app, read_stage(app.node.try_get_context))
    app.synth()


if __name__ == "__main__":
    main()
