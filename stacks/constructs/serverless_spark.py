"""Spark on EMR Serverless."""

from collections.abc import Mapping

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_emrserverless as emr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from stacks.constructs.findings import accept_wildcards
from stacks.constructs.spark_target import pass_role
from stacks.network import NetworkStack
from stacks.stage_stack import StageStack

RELEASE = "emr-7.9.0"
IDLE_MINUTES = 15
_SERVICE = "emr-serverless.amazonaws.com"


class ServerlessSpark:
    """An application that starts by itself, stops when idle and cannot outgrow its ceiling."""

    def __init__(self, stack: StageStack, *, network: NetworkStack) -> None:
        principal = iam.ServicePrincipal(_SERVICE)
        self.role = iam.Role(stack, "ExecutionRole", assumed_by=principal)
        self.key = kms.Key(stack, "LogKey", enable_key_rotation=True, removal_policy=stack.removal_policy)
        self.key.grant(principal, "kms:GenerateDataKey", "kms:Decrypt")
        self.key.grant(self.role, "kms:GenerateDataKey", "kms:Decrypt")
        self.application = self._application(stack, network)
        stack.export_output("EmrApplicationId", self.application.attr_application_id)

    @property
    def setting(self) -> Mapping[str, object]:
        """The application, and the role that it gets."""
        return {"kind": "serverless", "application_id": self.application.attr_application_id, "execution_role_arn": self.role.role_arn}

    def grant_submit(self, role: iam.IRole) -> None:
        """Let `role` start, follow and cancel steps of this application."""
        application = self.application.attr_arn
        role.add_to_principal_policy(iam.PolicyStatement(actions=["emr-serverless:StartJobRun"], resources=[application]))
        role.add_to_principal_policy(
            iam.PolicyStatement(actions=["emr-serverless:GetJobRun", "emr-serverless:CancelJobRun"], resources=[f"{application}/jobruns/*"])
        )
        accept_wildcards(role, "Runs of this application only.", r"Resource::.*/jobruns/\*")
        pass_role(role, self.role, service=_SERVICE)

    def _application(self, stack: StageStack, network: NetworkStack) -> emr.CfnApplication:
        spark = stack.config.spark
        group = ec2.SecurityGroup(stack, "SecurityGroup", vpc=network.vpc, allow_all_outbound=True, description="Spark workers")
        return emr.CfnApplication(
            stack,
            "Application",
            name=f"presage-{stack.config.name}",
            release_label=RELEASE,
            type="SPARK",
            architecture=spark.architecture,
            auto_start_configuration=emr.CfnApplication.AutoStartConfigurationProperty(enabled=True),
            auto_stop_configuration=emr.CfnApplication.AutoStopConfigurationProperty(enabled=True, idle_timeout_minutes=IDLE_MINUTES),
            maximum_capacity=emr.CfnApplication.MaximumAllowedResourcesProperty(
                cpu=f"{spark.maximum_vcpu} vCPU", memory=f"{spark.maximum_memory_gib} GB"
            ),
            monitoring_configuration=emr.CfnApplication.MonitoringConfigurationProperty(
                managed_persistence_monitoring_configuration=emr.CfnApplication.ManagedPersistenceMonitoringConfigurationProperty(
                    enabled=True, encryption_key_arn=self.key.key_arn
                )
            ),
            network_configuration=emr.CfnApplication.NetworkConfigurationProperty(
                security_group_ids=[group.security_group_id],
                subnet_ids=network.vpc.select_subnets(subnet_group_name="service").subnet_ids,
            ),
        )
