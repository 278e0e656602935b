"""An Elastic Beanstalk application with one environment: bundle, roles, security group, option settings."""

from collections.abc import Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticbeanstalk as beanstalk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from stacks.config import StageConfig
from stacks.constructs import bundles
from stacks.constructs.callers import CALLER_VARIABLE, name_caller
from stacks.constructs.findings import accept_wildcards, acknowledge
from stacks.constructs.grants import grant_asset
from stacks.network import NetworkStack

_MANAGED = "arn:<AWS::Partition>:iam::aws:policy/"
_SERVICE_POLICIES = ("service-role/AWSElasticBeanstalkEnhancedHealth", "AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy")
_TIERS = {"web": ("WebServer", "Standard", "AWSElasticBeanstalkWebTier"), "worker": ("Worker", "SQS/HTTP", "AWSElasticBeanstalkWorkerTier")}


@dataclass(frozen=True)
class BeanstalkProgram:
    """What runs in the environment: `services/<service>` in a tier, its variables and secrets, and further option settings."""

    service: str
    tier: str
    environment: Mapping[str, str]
    secrets: Mapping[str, secrets.ISecret]
    options: Mapping[tuple[str, str], str]


class BeanstalkEnvironment(Construct):
    """One environment on Amazon Linux 2023 in the service subnets: instances without IMDSv1, immutable updates, logs that expire."""

    def __init__(
        self, scope: Construct, construct_id: str, *, config: StageConfig, network: NetworkStack, program: BeanstalkProgram
    ) -> None:
        super().__init__(scope, construct_id)
        self._config, self._network, self._program = config, network, program
        self.role = self._role()
        self.security_group = ec2.SecurityGroup(self, "SecurityGroup", vpc=network.vpc, description=f"Instances of {program.service}")
        profile = iam.CfnInstanceProfile(self, "Profile", roles=[self.role.role_name])
        application = beanstalk.CfnApplication(self, "Application", description=f"Presage {program.service}")
        version = self._version(application)
        tier, tier_type, _ = _TIERS[program.tier]
        settings = {
            **self._platform(profile.ref),
            **self._operation(),
            **{("aws:elasticbeanstalk:application:environment", name): value for name, value in program.environment.items()},
            ("aws:elasticbeanstalk:application:environment", CALLER_VARIABLE): name_caller(program.service),
            **{("aws:elasticbeanstalk:application:environmentsecrets", name): s.secret_arn for name, s in program.secrets.items()},
            **program.options,
        }
        self.environment = beanstalk.CfnEnvironment(
            self,
            "Environment",
            application_name=application.ref,
            version_label=version.ref,
            solution_stack_name=config.beanstalk.solution_stack,
            tier=beanstalk.CfnEnvironment.TierProperty(name=tier, type=tier_type),
            option_settings=[
                beanstalk.CfnEnvironment.OptionSettingProperty(namespace=namespace, option_name=name, value=value)
                for (namespace, name), value in sorted(settings.items())
            ],
        )
        self.environment.node.add_dependency(self.role)
        for secret in program.secrets.values():
            self.role.add_to_principal_policy(iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[secret.secret_arn]))

    def _role(self) -> iam.Role:
        policy = _TIERS[self._program.tier][2]
        role = iam.Role(
            self,
            "InstanceRole",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(policy)],
        )
        acknowledge(role, {f"IAM4[Policy::{_MANAGED}{policy}]": "What Beanstalk's own agents on the instance need, kept current by AWS."})
        accept_wildcards(role, "Objects of every workspace, below these prefixes only.", r"Resource::.*(Lake|Artifacts).*/ws=\*/.*")
        return role

    def _version(self, application: beanstalk.CfnApplication) -> beanstalk.CfnApplicationVersion:
        service = self._program.service
        path = bundles.build_service(service) if cdk.Stack.of(self).bundling_required else bundles.copy_sources("services", service)
        bundle = assets.Asset(self, "Bundle", path=str(path))
        grant_asset(bundle, self.role)
        source = beanstalk.CfnApplicationVersion.SourceBundleProperty(s3_bucket=bundle.s3_bucket_name, s3_key=bundle.s3_object_key)
        version = beanstalk.CfnApplicationVersion(
            self, f"Version{bundle.asset_hash[:16]}", application_name=application.ref, source_bundle=source
        )
        version.add_resource_dependency(application)
        return version

    def _service_role(self) -> iam.Role:
        role = iam.Role(
            self,
            "ServiceRole",
            assumed_by=iam.ServicePrincipal("elasticbeanstalk.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(name) for name in _SERVICE_POLICIES],
        )
        reason = "Beanstalk's service role, as AWS defines it."
        acknowledge(role, {f"IAM4[Policy::{_MANAGED}{name}]": reason for name in _SERVICE_POLICIES})
        return role

    def _platform(self, profile: str) -> dict[tuple[str, str], str]:
        size, subnets = self._config.beanstalk, self._network.vpc.select_subnets(subnet_group_name="service").subnet_ids
        launch, group = "aws:autoscaling:launchconfiguration", "aws:autoscaling:asg"
        return {
            (launch, "IamInstanceProfile"): profile,
            (launch, "DisableIMDSv1"): "true",
            (launch, "RootVolumeType"): "gp3",
            (launch, "SecurityGroups"): self.security_group.security_group_id,
            ("aws:ec2:instances", "InstanceTypes"): size.instance_types,
            ("aws:ec2:vpc", "VPCId"): self._network.vpc.vpc_id,
            ("aws:ec2:vpc", "Subnets"): ",".join(subnets),
            ("aws:ec2:vpc", "AssociatePublicIpAddress"): "false",
            (group, "MinSize"): str(size.minimum_instances),
            (group, "MaxSize"): str(size.maximum_instances),
        }

    def _operation(self) -> dict[tuple[str, str], str]:
        role, days = self._service_role(), str(self._config.log_retention_days)
        root, updates, logs = (
            "aws:elasticbeanstalk:environment",
            "aws:elasticbeanstalk:managedactions",
            "aws:elasticbeanstalk:cloudwatch:logs",
        )
        return {
            (root, "ServiceRole"): role.role_arn,
            (root, "EnvironmentType"): "LoadBalanced",
            ("aws:elasticbeanstalk:command", "DeploymentPolicy"): "Immutable",
            ("aws:autoscaling:updatepolicy:rollingupdate", "RollingUpdateEnabled"): "true",
            ("aws:autoscaling:updatepolicy:rollingupdate", "RollingUpdateType"): "Immutable",
            ("aws:elasticbeanstalk:healthreporting:system", "SystemType"): "enhanced",
            (updates, "ManagedActionsEnabled"): "true",
            (updates, "PreferredStartTime"): "Sun:03:00",
            (updates, "ServiceRoleForManagedUpdates"): role.role_arn,
            ("aws:elasticbeanstalk:managedactions:platformupdate", "UpdateLevel"): "minor",
            ("aws:elasticbeanstalk:hostmanager", "LogPublicationControl"): "true",
            (logs, "StreamLogs"): "true",
            (logs, "RetentionInDays"): days,
            ("aws:elasticbeanstalk:application:environment", "PYTHONPATH"): "/var/app/current",
        }
