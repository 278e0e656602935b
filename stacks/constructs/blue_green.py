"""Two target groups behind one listener rule: a new build runs beside the old one, and ECS moves the rule between them."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as balancing
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.findings import acknowledge
from stacks.constructs.watched_queue import raise_alarm

_MINUTE = cdk.Duration.minutes(1)
_SLOWEST_SECONDS = 1.0
_FAILURES_PER_MINUTE = 5


@dataclass(frozen=True)
class BlueGreen:
    """The two groups and the rule that sends all calls to one of them."""

    blue: balancing.ApplicationTargetGroup
    green: balancing.ApplicationTargetGroup
    rule: balancing.ApplicationListenerRule

    @staticmethod
    def build(scope: Construct, *, vpc: ec2.IVpc, listener: balancing.ApplicationListener, port: int) -> "BlueGreen":
        """Return both groups, with all calls going to blue at first."""
        blue, green = (_build_group(scope, colour, vpc=vpc, port=port) for colour in ("Blue", "Green"))
        all_to_blue = balancing.ListenerAction.weighted_forward(
            [balancing.WeightedTargetGroup(target_group=blue, weight=100), balancing.WeightedTargetGroup(target_group=green, weight=0)]
        )
        everything = [balancing.ListenerCondition.path_patterns(["/*"])]
        rule = balancing.ApplicationListenerRule(
            scope, "Production", listener=listener, priority=1, conditions=everything, action=all_to_blue
        )
        return BlueGreen(blue, green, rule)

    def attach(self, service: ecs.FargateService, *, container: str, port: int) -> None:
        """Let the service register its tasks and move the rule."""
        alternate = ecs.AlternateTarget(
            "Alternate",
            alternate_target_group=self.green,
            production_listener=ecs.ListenerRuleConfiguration.application_listener_rule(self.rule),
        )
        target = service.load_balancer_target(container_name=container, container_port=port, alternate_target=alternate)
        target.attach_to_application_target_group(self.blue)
        policy = "AmazonECSInfrastructureRolePolicyForLoadBalancers"
        acknowledge(
            service, {f"IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{policy}]": "What ECS needs to move the rule, as AWS defines it."}
        )


def watch_deployments(
    scope: Construct, balancer: balancing.ApplicationLoadBalancer, *, names: tuple[str, str], topic: sns.ITopic
) -> list[cloudwatch.Alarm]:
    """Return the alarms `names` (failing calls, slow calls) that roll a deployment back; they watch both groups through the balancer.

    They have names of their own, because the service names its alarms and must not depend on what depends on it.
    """
    failing, slow = names
    failures = balancer.metrics.http_code_target(balancing.HttpCodeTarget.TARGET_5XX_COUNT, period=_MINUTE, statistic="Sum")
    slowest = balancer.metrics.target_response_time(period=_MINUTE, statistic="p99")
    alarms = [
        raise_alarm(scope, failing, metric=failures, threshold=_FAILURES_PER_MINUTE, runbook="public-api#failing-calls", topic=topic),
        raise_alarm(scope, slow, metric=slowest, threshold=_SLOWEST_SECONDS, runbook="public-api#slow-calls", topic=topic),
    ]
    for alarm, name in zip(alarms, names, strict=True):
        resource = alarm.node.default_child
        if isinstance(resource, cloudwatch.CfnAlarm):
            resource.alarm_name = name
    return alarms


def _build_group(scope: Construct, colour: str, *, vpc: ec2.IVpc, port: int) -> balancing.ApplicationTargetGroup:
    return balancing.ApplicationTargetGroup(
        scope,
        f"{colour}Tasks",
        vpc=vpc,
        port=port,
        protocol=balancing.ApplicationProtocol.HTTP,
        target_type=balancing.TargetType.IP,
        deregistration_delay=cdk.Duration.seconds(30),
        health_check=balancing.HealthCheck(path="/readyz", interval=cdk.Duration.seconds(10), healthy_threshold_count=2),
    )
