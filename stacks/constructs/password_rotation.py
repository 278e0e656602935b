"""The database's password changes by itself: a function in the network, and the schedule that Secrets Manager calls it by."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.aspects.rule import accept_rule
from stacks.config import StageConfig
from stacks.constructs.findings import accept_wildcards, acknowledge
from stacks.constructs.python_function import PythonFunction
from stacks.network import NetworkStack

NAME = "rotate_database_password"
TIMEOUT = cdk.Duration.seconds(30)
_NETWORK_POLICY = "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole]"
_ACTIONS = ["DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"]


class PasswordRotation(Construct):
    """`lambdas/rotate_database_password` for one secret; it reaches the database, Secrets Manager, and nothing else."""

    def __init__(self, scope: Construct, construct_id: str, *, config: StageConfig, network: NetworkStack, topic: sns.ITopic) -> None:
        super().__init__(scope, construct_id)
        self._config = config
        self.security_group = ec2.SecurityGroup(
            self, "SecurityGroup", vpc=network.vpc, allow_all_outbound=False, description="Rotation of the password"
        )
        self.security_group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "Secrets Manager, by its endpoint or the NAT gateway")
        self.rotation = PythonFunction(
            self,
            NAME,
            config=config.functions,
            timeout=TIMEOUT,
            environment={},
            placement=(network, self.security_group),
        )
        acknowledge(self.rotation, {_NETWORK_POLICY: "It manages the network interfaces of the function, which know no ARNs."})
        accept_wildcards(self.rotation, "X-Ray takes traces of any resource.", r"Resource::\*")
        reason = "Secrets Manager repeats a failed rotation from its first step; what failed is in the log, and raises an alarm."
        accept_rule(self.rotation, {"LAMBDA-FAILURES": reason})
        self.rotation.bound(1)
        self.rotation.watch(topic)

    def rotate(self, secret: secrets.Secret, instance: rds.DatabaseInstance, *, port: int, environment: dict[str, str]) -> None:
        """Rotate the secret of the database's user every so many days, for the first time after as many.

        Not at once: what is deployed after this stack may still be a build that reads the secret only when it starts.
        """
        function = self.rotation.function
        for name, value in environment.items():
            function.add_environment(name, value)
        for group in instance.connections.security_groups:
            self.security_group.add_egress_rule(group, ec2.Port.tcp(port), "the database")
        policy = iam.PolicyStatement(actions=[f"secretsmanager:{action}" for action in _ACTIONS], resources=[secret.secret_arn])
        self.rotation.role.add_to_principal_policy(policy)
        function.add_permission("Rotate", principal=iam.ServicePrincipal("secretsmanager.amazonaws.com"), source_arn=secret.secret_arn)
        schedule = secrets.CfnRotationSchedule(
            self,
            "Schedule",
            secret_id=secret.secret_arn,
            rotation_lambda_arn=function.function_arn,
            rotate_immediately_on_update=False,
            rotation_rules=secrets.CfnRotationSchedule.RotationRulesProperty(automatically_after_days=self._config.database.rotation_days),
        )
        schedule.node.add_dependency(instance, self.rotation)
