"""A Lambda function from the tree: a zip without Docker, logs that expire, alarms."""

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.config import FunctionConfig
from stacks.constructs import bundles
from stacks.constructs.callers import CALLER_VARIABLE, name_caller
from stacks.constructs.findings import LOG_POLICY, acknowledge
from stacks.constructs.logs import build_log_group
from stacks.constructs.watched_queue import raise_alarm
from stacks.network import NetworkStack

_ARCHITECTURES = {"x86_64": lambda_.Architecture.X86_64, "arm64": lambda_.Architecture.ARM_64}


class PythonFunction(Construct):
    """`lambdas/<name>`, its handler `lambdas.<name>.handler.handle`; errors and throttles raise an alarm."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        config: FunctionConfig,
        timeout: cdk.Duration,
        environment: Mapping[str, str],
        placement: tuple[NetworkStack, ec2.ISecurityGroup] | None = None,
    ) -> None:
        """With a `placement` it runs in the network's service subnets, behind the security group."""
        super().__init__(scope, name.title().replace("_", ""))
        network, group = placement or (None, None)
        self.function = lambda_.Function(
            self,
            "Function",
            description=f"Presage: {name}",
            runtime=lambda_.Runtime(f"python{config.python_version}", lambda_.RuntimeFamily.PYTHON),
            architecture=_ARCHITECTURES[config.architecture],
            handler=f"lambdas.{name}.handler.handle",
            code=self._code(name, config),
            timeout=timeout,
            memory_size=config.memory_mib,
            environment={**environment, CALLER_VARIABLE: name_caller(name)},
            log_group=build_log_group(self, "Logs"),
            logging_format=lambda_.LoggingFormat.JSON,
            tracing=lambda_.Tracing.ACTIVE,
            vpc=network.vpc if network else None,
            vpc_subnets=network.service_subnets if network else None,
            security_groups=[group] if group else None,
        )
        acknowledge(
            self,
            {
                "L1": "The zip holds wheels of this Python version; the stage moves to the newest one with its dependencies.",
                LOG_POLICY: "It only writes to log groups.",
            },
        )

    @property
    def role(self) -> iam.IRole:
        """The role that the function's code runs under.

        Raises:
            TypeError: The function has none.
        """
        if self.function.role is None:
            raise TypeError(f"{self.node.path} has no role")
        return self.function.role

    def watch(self, topic: sns.ITopic) -> None:
        """Notify `topic` of every minute with a failed or throttled invocation."""
        minute = cdk.Duration.minutes(1)
        errors, throttles = self.function.metric_errors(period=minute), self.function.metric_throttles(period=minute)
        raise_alarm(self, "ErrorsAlarm", metric=errors, threshold=1, runbook="functions#errors", topic=topic)
        raise_alarm(self, "ThrottlesAlarm", metric=throttles, threshold=1, runbook="functions#throttles", topic=topic)

    def bound(self, executions: int) -> None:
        """Reserve the concurrency of a function that no queue holds back."""
        resource = self.function.node.default_child
        if not isinstance(resource, lambda_.CfnFunction):
            raise TypeError(f"{self.node.path} has no function resource")
        resource.reserved_concurrent_executions = executions

    def _code(self, name: str, config: FunctionConfig) -> lambda_.Code:
        if cdk.Stack.of(self).bundling_required:
            path = bundles.build_function(name, architecture=config.architecture, python_version=config.python_version)
        else:
            path = bundles.copy_sources("lambdas", name)
        return lambda_.Code.from_asset(str(path), asset_hash=path.name.rpartition("-")[2], asset_hash_type=cdk.AssetHashType.CUSTOM)
