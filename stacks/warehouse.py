"""The warehouse of assignments and outcomes: Redshift, serverless or a cluster as the configuration says, reached through the Data API."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.config import StageConfig
from stacks.constructs.findings import STAGING_KEYS, accept_wildcards
from stacks.constructs.grants import BucketRights
from stacks.constructs.redshift import DATABASE_NAME, Placement, build_cluster, build_workgroup
from stacks.network import NetworkStack
from stacks.stage_stack import StageStack
from stacks.storage import StorageStack

_COPIED_KEYS = ("ws=*/staging/*", "ws=*/dataset=*/records/*")
_FOLLOW_ACTIONS = ["redshift-data:DescribeStatement", "redshift-data:CancelStatement"]


class WarehouseStack(StageStack):
    """What runs the statements, a cap on what it costs, and the role that COPY reads the lake with."""

    def __init__(self, scope: Construct, *, config: StageConfig, network: NetworkStack, storage: StorageStack) -> None:
        super().__init__(scope, "Warehouse", config=config, description="Presage: warehouse")
        self.copy_role = iam.Role(self, "CopyRole", assumed_by=_redshift())
        BucketRights(storage.lake, self.copy_role).read(*_COPIED_KEYS)
        reason = "COPY reads the staging files and the landed records of every workspace, and no other key."
        accept_wildcards(self.copy_role, reason, STAGING_KEYS, r"Resource::.*Lake.*/ws=\*/dataset=\*/records/\*")
        self.key = kms.Key(self, "Key", enable_key_rotation=True, removal_policy=self.removal_policy)
        placement = Placement(network=network, storage=storage, key=self.key, copy_role=self.copy_role)
        build = build_cluster if config.warehouse.cluster_nodes else build_workgroup
        self.target = build(self, config=config, placement=placement)
        self.export_output("RedshiftWorkgroup", self.target.name)
        self.export_output("RedshiftDatabase", DATABASE_NAME)
        self.export_output("RedshiftCopyRoleArn", self.copy_role.role_arn)

    @property
    def address(self) -> dict[str, str]:
        """Variables of every deployable that runs SQL in the warehouse."""
        return {"PRESAGE_REDSHIFT_WORKGROUP": self.target.name, "PRESAGE_REDSHIFT_DATABASE": DATABASE_NAME}

    @property
    def variables(self) -> dict[str, str]:
        """Variables of every deployable that loads files into the warehouse too."""
        return {**self.address, "PRESAGE_REDSHIFT_COPY_ROLE_ARN": self.copy_role.role_arn}

    def grant_statements(self, role: iam.IRole) -> None:
        """Let `role` also ask for rows, and read the results of its own statements."""
        self.grant_batches(role)
        role.add_to_principal_policy(iam.PolicyStatement(actions=["redshift-data:ExecuteStatement"], resources=[self.target.statement_arn]))
        role.add_to_principal_policy(iam.PolicyStatement(actions=["redshift-data:GetStatementResult"], resources=["*"]))

    def grant_batches(self, role: iam.IRole) -> None:
        """Let `role` run batches of statements in this warehouse, and follow and cancel its own."""
        role.add_to_principal_policy(
            iam.PolicyStatement(actions=["redshift-data:BatchExecuteStatement"], resources=[self.target.statement_arn])
        )
        role.add_to_principal_policy(iam.PolicyStatement(actions=[self.target.credentials_action], resources=[self.target.credentials_arn]))
        role.add_to_principal_policy(iam.PolicyStatement(actions=_FOLLOW_ACTIONS, resources=["*"]))


def _redshift() -> iam.IPrincipal:
    """Both forms of Redshift: a warehouse keeps its role when it changes from one to the other."""
    return iam.CompositePrincipal(iam.ServicePrincipal("redshift-serverless.amazonaws.com"), iam.ServicePrincipal("redshift.amazonaws.com"))
