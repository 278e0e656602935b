"""Redshift in its two forms: a serverless workgroup, or a cluster of RA3 nodes for a load that is steady most of the day."""

from collections.abc import Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_redshift as provisioned
from aws_cdk import aws_redshiftserverless as serverless
from aws_cdk import custom_resources as custom

from stacks.aspects.rule import accept_rule
from stacks.config import StageConfig
from stacks.constructs.findings import LOG_POLICY, accept_wildcards, acknowledge
from stacks.constructs.logs import build_log_group
from stacks.network import NetworkStack
from stacks.stage_stack import StageStack
from stacks.storage import StorageStack

DATABASE_NAME = "presage"
CLUSTER_PREFIX = "cluster:"
"""What a name begins with that is a cluster's and not a workgroup's, for those who submit statements."""
_ADMINISTRATOR = "presage_admin"
_LOG_EXPORTS = ["userlog", "connectionlog", "useractivitylog"]
_CLUSTER_PORT = 5440


@dataclass(frozen=True)
class Placement:
    """Where the warehouse is, where its audit log goes, what encrypts it and what it reads files with."""

    network: NetworkStack
    storage: StorageStack
    key: kms.Key
    copy_role: iam.Role

    @property
    def subnets(self) -> list[str]:
        """The isolated subnets."""
        return self.network.vpc.select_subnets(subnet_group_name="data").subnet_ids

    def build_security_group(self, stack: StageStack) -> ec2.SecurityGroup:
        """Return a group that lets nobody in: statements come through the Data API."""
        return ec2.SecurityGroup(
            stack, "SecurityGroup", vpc=self.network.vpc, allow_all_outbound=True, description="Warehouse: Data API only"
        )


@dataclass(frozen=True)
class StatementTarget:
    """What runs statements, and what somebody needs a right to who submits them."""

    name: str
    statement_arn: str
    credentials_action: str
    credentials_arn: str


def build_workgroup(stack: StageStack, *, config: StageConfig, placement: Placement) -> StatementTarget:
    """Add a namespace and its workgroup, with a ceiling at any moment and, where configured, one for the month."""
    namespace = serverless.CfnNamespace(
        stack,
        "Namespace",
        namespace_name=f"presage-{config.name}",
        db_name=DATABASE_NAME,
        manage_admin_password=True,
        admin_password_secret_kms_key_id=placement.key.key_id,
        admin_username=_ADMINISTRATOR,
        kms_key_id=placement.key.key_id,
        iam_roles=[placement.copy_role.role_arn],
        log_exports=_LOG_EXPORTS,
    )
    ssl = serverless.CfnWorkgroup.ConfigParameterProperty(parameter_key="require_ssl", parameter_value="true")
    workgroup = serverless.CfnWorkgroup(
        stack,
        "Workgroup",
        workgroup_name=f"presage-{config.name}",
        namespace_name=namespace.ref,
        base_capacity=config.warehouse.base_units,
        max_capacity=config.warehouse.maximum_units,
        enhanced_vpc_routing=True,
        publicly_accessible=False,
        security_group_ids=[placement.build_security_group(stack).security_group_id],
        subnet_ids=placement.subnets,
        config_parameters=[ssl],
    )
    for resource in (namespace, workgroup):
        resource.apply_removal_policy(stack.removal_policy)
    cdk.Tags.of(workgroup).add("data-class", "experiments")
    arn = workgroup.attr_workgroup_workgroup_arn
    if config.warehouse.monthly_unit_hours:
        _limit_use(stack, workgroup_arn=arn, unit_hours=config.warehouse.monthly_unit_hours)
    return StatementTarget(workgroup.ref, arn, "redshift-serverless:GetCredentials", arn)


def build_cluster(stack: StageStack, *, config: StageConfig, placement: Placement) -> StatementTarget:
    """Add a cluster whose administrator's password Redshift keeps and rotates; callers are database users by their IAM roles."""
    parameters = [
        provisioned.CfnClusterParameterGroup.ParameterProperty(parameter_name=name, parameter_value="true")
        for name in ("require_ssl", "enable_user_activity_logging")
    ]
    group = provisioned.CfnClusterParameterGroup(
        stack, "Parameters", description="Presage: TLS only, activity logged", parameter_group_family="redshift-2.0", parameters=parameters
    )
    subnets = provisioned.CfnClusterSubnetGroup(stack, "Subnets", description="Presage: isolated subnets", subnet_ids=placement.subnets)
    nodes = config.warehouse.cluster_nodes
    cluster = provisioned.CfnCluster(
        stack,
        "Cluster",
        cluster_type="multi-node" if nodes > 1 else "single-node",
        number_of_nodes=nodes if nodes > 1 else None,
        node_type=config.warehouse.cluster_node_type,
        db_name=DATABASE_NAME,
        master_username=_ADMINISTRATOR,
        manage_master_password=True,
        master_password_secret_kms_key_id=placement.key.key_id,
        encrypted=True,
        kms_key_id=placement.key.key_id,
        port=_CLUSTER_PORT,
        publicly_accessible=False,
        enhanced_vpc_routing=True,
        allow_version_upgrade=True,
        automated_snapshot_retention_period=config.database.backup_days,
        iam_roles=[placement.copy_role.role_arn],
        cluster_parameter_group_name=group.ref,
        cluster_subnet_group_name=subnets.ref,
        vpc_security_group_ids=[placement.build_security_group(stack).security_group_id],
        logging_properties=provisioned.CfnCluster.LoggingPropertiesProperty(log_destination_type="cloudwatch", log_exports=_LOG_EXPORTS),
    )
    cluster.apply_removal_policy(stack.removal_policy)
    cdk.Tags.of(cluster).add("data-class", "experiments")
    cluster_arn, database_arn = (
        stack.format_arn(service="redshift", resource=kind, resource_name=name, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME)
        for kind, name in (("cluster", cluster.ref), ("dbname", f"{cluster.ref}/{DATABASE_NAME}"))
    )
    return StatementTarget(f"{CLUSTER_PREFIX}{cluster.ref}", cluster_arn, "redshift:GetClusterCredentialsWithIAM", database_arn)


def _limit_use(stack: StageStack, *, workgroup_arn: str, unit_hours: int) -> None:
    """Stop statements when the month's units are used up; CloudFormation has no type for it."""
    limit = {"amount": unit_hours, "breachAction": "deactivate"}
    usage = {"resourceArn": workgroup_arn, "usageType": "serverless-compute", "period": "monthly"}
    own = {"usageLimitId": custom.PhysicalResourceIdReference()}

    def call(action: str, parameters: Mapping[str, object]) -> custom.AwsSdkCall:
        identity = custom.PhysicalResourceId.from_response("usageLimit.usageLimitId")
        return custom.AwsSdkCall(service="redshift-serverless", action=action, parameters=parameters, physical_resource_id=identity)

    limiter = custom.AwsCustomResource(
        stack,
        "UsageLimit",
        resource_type="Custom::RedshiftUsageLimit",
        install_latest_aws_sdk=False,
        log_group=build_log_group(stack, "UsageLimitLogs"),
        on_create=call("createUsageLimit", {**usage, **limit}),
        on_update=call("updateUsageLimit", {**own, **limit}),
        on_delete=call("deleteUsageLimit", own),
        policy=custom.AwsCustomResourcePolicy.from_statements(
            [
                iam.PolicyStatement(
                    actions=[f"redshift-serverless:{verb}UsageLimit" for verb in ("Create", "Update", "Delete")],
                    resources=[stack.format_arn(service="redshift-serverless", resource="usagelimit", resource_name="*"), workgroup_arn],
                )
            ]
        ),
    )
    accept_wildcards(limiter, "A limit's id is known only once it exists; the actions allow limits only.", r"Resource::.*:usagelimit/\*")
    for child in stack.node.children:
        if child.node.id.startswith("AWS679f53fac002430cb0da5b7982bd2287"):
            reason = "CDK's own, at deployment only; what it fails on fails the deployment."
            acknowledge(child, {LOG_POLICY: reason, "L1": reason})
            accept_rule(child, {"LAMBDA-FAILURES": reason, "LAMBDA-BOUNDED": reason})
