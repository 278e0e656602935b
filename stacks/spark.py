"""Spark on EMR Serverless: training sets, snapshots, batch predictions."""

from pathlib import Path

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_emrserverless as emr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from stacks.config import StageConfig
from stacks.constructs.bundles import ROOT, build_step_library, list_members
from stacks.constructs.findings import accept_wildcards
from stacks.constructs.grants import BucketRights, grant_asset
from stacks.network import NetworkStack
from stacks.stage_stack import StageStack
from stacks.storage import StorageStack

RELEASE = "emr-7.9.0"
IDLE_MINUTES = 15


class SparkStack(StageStack):
    """An application that starts by itself, stops when idle and cannot outgrow its ceiling; its steps are assets."""

    def __init__(self, scope: Construct, *, config: StageConfig, network: NetworkStack, storage: StorageStack) -> None:
        super().__init__(scope, "Spark", config=config, description="Presage: Spark application and steps")
        emr_serverless = iam.ServicePrincipal("emr-serverless.amazonaws.com")
        self.role = iam.Role(self, "ExecutionRole", assumed_by=emr_serverless)
        self.key = kms.Key(self, "LogKey", enable_key_rotation=True, removal_policy=self.removal_policy)
        self.key.grant(emr_serverless, "kms:GenerateDataKey", "kms:Decrypt")
        self.key.grant(self.role, "kms:GenerateDataKey", "kms:Decrypt")
        self.application = self._application(network)
        lake, written = BucketRights(storage.lake, self.role), ("ws=*/training_sets/*", "ws=*/snapshots/*")
        lake.read("ws=*/dataset=*/records/*", *written)
        lake.write(*written)
        lake.delete(*written)
        accept_wildcards(self.role, "Objects of every workspace, below these prefixes only.", r"Resource::.*Lake.*/ws=\*/.*")
        self.steps = self._steps()
        self.export_output("EmrApplicationId", self.application.attr_application_id)
        self.export_output("EmrExecutionRoleArn", self.role.role_arn)

    @property
    def variables(self) -> dict[str, str]:
        """Variables of the service that submits steps."""
        return {
            "PRESAGE_EMR_APPLICATION_ID": self.application.attr_application_id,
            "PRESAGE_EMR_EXECUTION_ROLE_ARN": self.role.role_arn,
            "PRESAGE_EMR_STEPS": self.to_json_string(self.steps),
        }

    def grant_submit(self, role: iam.IRole) -> None:
        """Let `role` start, follow and cancel steps of this application."""
        application = self.application.attr_arn
        role.add_to_principal_policy(iam.PolicyStatement(actions=["emr-serverless:StartJobRun"], resources=[application]))
        role.add_to_principal_policy(
            iam.PolicyStatement(actions=["emr-serverless:GetJobRun", "emr-serverless:CancelJobRun"], resources=[f"{application}/jobruns/*"])
        )
        to_emr = {"StringEquals": {"iam:PassedToService": "emr-serverless.amazonaws.com"}}
        role.add_to_principal_policy(iam.PolicyStatement(actions=["iam:PassRole"], resources=[self.role.role_arn], conditions=to_emr))

    def _application(self, network: NetworkStack) -> emr.CfnApplication:
        spark = self.config.spark
        group = ec2.SecurityGroup(self, "SecurityGroup", vpc=network.vpc, allow_all_outbound=True, description="Spark workers")
        return emr.CfnApplication(
            self,
            "Application",
            name=f"presage-{self.config.name}",
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

    def _steps(self) -> dict[str, str]:
        """Upload every step and the library they share; return their S3 URIs by name."""
        library = assets.Asset(self, "StepLibrary", path=str(build_step_library()))
        grant_asset(library, self.role)
        uris = {"py_files": library.s3_object_url}
        for name in list_members("emr_steps", entry="step.py"):
            step = assets.Asset(self, f"Step-{name}", path=str(Path(ROOT, "emr_steps", name, "step.py")))
            grant_asset(step, self.role)
            uris[name] = step.s3_object_url
        return uris
