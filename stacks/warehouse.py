"""The warehouse of assignments and outcomes: Redshift Serverless, reached through the Data API."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_redshiftserverless as redshift
from constructs import Construct

from stacks.config import StageConfig
from stacks.constructs.findings import STAGING_KEYS, accept_wildcards
from stacks.constructs.grants import BucketRights
from stacks.network import NetworkStack
from stacks.stage_stack import StageStack
from stacks.storage import StorageStack

DATABASE_NAME = "presage"
_COPIED_KEYS = ("ws=*/staging/*", "ws=*/dataset=*/records/*")
_FOLLOW_ACTIONS = ["redshift-data:DescribeStatement", "redshift-data:CancelStatement"]


class WarehouseStack(StageStack):
    """Namespace and workgroup, a cap on what they cost, and the role that COPY reads the lake with."""

    def __init__(self, scope: Construct, *, config: StageConfig, network: NetworkStack, storage: StorageStack) -> None:
        super().__init__(scope, "Warehouse", config=config, description="Presage: warehouse")
        self.copy_role = iam.Role(self, "CopyRole", assumed_by=iam.ServicePrincipal("redshift-serverless.amazonaws.com"))
        BucketRights(storage.lake, self.copy_role).read(*_COPIED_KEYS)
        reason = "COPY reads the staging files and the landed records of every workspace, and no other key."
        accept_wildcards(self.copy_role, reason, STAGING_KEYS, r"Resource::.*Lake.*/ws=\*/dataset=\*/records/\*")
        self.namespace = self._namespace()
        self.workgroup = self._workgroup(network)
        self.export_output("RedshiftWorkgroup", self.workgroup.workgroup_name)
        self.export_output("RedshiftDatabase", DATABASE_NAME)
        self.export_output("RedshiftCopyRoleArn", self.copy_role.role_arn)

    @property
    def address(self) -> dict[str, str]:
        """Variables of every deployable that runs SQL in the warehouse."""
        return {"PRESAGE_REDSHIFT_WORKGROUP": self.workgroup.ref, "PRESAGE_REDSHIFT_DATABASE": DATABASE_NAME}

    @property
    def variables(self) -> dict[str, str]:
        """Variables of every deployable that loads files into the warehouse too."""
        return {**self.address, "PRESAGE_REDSHIFT_COPY_ROLE_ARN": self.copy_role.role_arn}

    def grant_statements(self, role: iam.IRole) -> None:
        """Let `role` also ask for rows, and read the results of its own statements."""
        self.grant_batches(role)
        workgroup = self.workgroup.attr_workgroup_workgroup_arn
        role.add_to_principal_policy(iam.PolicyStatement(actions=["redshift-data:ExecuteStatement"], resources=[workgroup]))
        role.add_to_principal_policy(iam.PolicyStatement(actions=["redshift-data:GetStatementResult"], resources=["*"]))

    def grant_batches(self, role: iam.IRole) -> None:
        """Let `role` run batches of statements in this workgroup, and follow and cancel its own."""
        workgroup = self.workgroup.attr_workgroup_workgroup_arn
        actions = ["redshift-data:BatchExecuteStatement", "redshift-serverless:GetCredentials"]
        role.add_to_principal_policy(iam.PolicyStatement(actions=actions, resources=[workgroup]))
        role.add_to_principal_policy(iam.PolicyStatement(actions=_FOLLOW_ACTIONS, resources=["*"]))

    def _namespace(self) -> redshift.CfnNamespace:
        key = kms.Key(self, "Key", enable_key_rotation=True, removal_policy=self.removal_policy)
        namespace = redshift.CfnNamespace(
            self,
            "Namespace",
            namespace_name=f"presage-{self.config.name}",
            db_name=DATABASE_NAME,
            manage_admin_password=True,
            admin_password_secret_kms_key_id=key.key_id,
            admin_username="presage_admin",
            kms_key_id=key.key_id,
            iam_roles=[self.copy_role.role_arn],
            log_exports=["userlog", "connectionlog", "useractivitylog"],
        )
        namespace.apply_removal_policy(self.removal_policy)
        return namespace

    def _workgroup(self, network: NetworkStack) -> redshift.CfnWorkgroup:
        group = ec2.SecurityGroup(self, "SecurityGroup", vpc=network.vpc, allow_all_outbound=True, description="Warehouse: Data API only")
        capacity = self.config.warehouse
        workgroup = redshift.CfnWorkgroup(
            self,
            "Workgroup",
            workgroup_name=f"presage-{self.config.name}",
            namespace_name=self.namespace.ref,
            base_capacity=capacity.base_units,
            max_capacity=capacity.maximum_units,
            enhanced_vpc_routing=True,
            publicly_accessible=False,
            security_group_ids=[group.security_group_id],
            subnet_ids=network.vpc.select_subnets(subnet_group_name="data").subnet_ids,
            config_parameters=[redshift.CfnWorkgroup.ConfigParameterProperty(parameter_key="require_ssl", parameter_value="true")],
        )
        workgroup.apply_removal_policy(self.removal_policy)
        cdk.Tags.of(workgroup).add("data-class", "experiments")
        return workgroup
