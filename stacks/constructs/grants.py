"""Rights by exact action, where the construct library's own `grant_…` methods give more than the code calls.

What each component calls is recorded (`tests/contract/wiring/calls.json`), and a test compares it with these rights (docs/adr/0009).
"""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sqs as sqs

from stacks.constructs.findings import accept_wildcards

_LOG_INDEXES = "The log's indexes."
_WRITERS_KEY_ACTIONS = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo")


class BucketRights:
    """Gives `role` rights on the objects of one bucket by pattern of key; its key is used through them only."""

    def __init__(self, bucket: s3.Bucket, role: iam.IRole) -> None:
        self._bucket, self._role = bucket, role

    def read(self, *keys: str) -> None:
        """Let it get objects; and list the bucket, without which S3 answers 403 where an object is missing."""
        self._add(["s3:GetObject"], keys)
        self._role.add_to_principal_policy(iam.PolicyStatement(actions=["s3:ListBucket"], resources=[self._bucket.bucket_arn]))
        self._use_key("kms:Decrypt")

    def write(self, *keys: str, tagged: bool = False) -> None:
        """Let it put objects, `tagged` ones if so."""
        self._add(["s3:PutObject", *(["s3:PutObjectTagging"] if tagged else [])], keys)
        self._use_key("kms:GenerateDataKey")

    def delete(self, *keys: str) -> None:
        """Let it delete objects."""
        self._add(["s3:DeleteObject"], keys)

    def _add(self, actions: list[str], keys: Sequence[str]) -> None:
        resources = [self._bucket.arn_for_objects(key) for key in keys]
        self._role.add_to_principal_policy(iam.PolicyStatement(actions=actions, resources=resources))

    def _use_key(self, action: str) -> None:
        if self._bucket.encryption_key is not None:
            self._bucket.encryption_key.grant(self._role, action)


def grant_asset(asset: assets.Asset, role: iam.IRole) -> None:
    """Let `role` get this one file of the deployment."""
    arn = asset.bucket.arn_for_objects(asset.s3_object_key)
    role.add_to_principal_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=[arn]))


def grant_credentials(role: iam.IRole, *actions: str, stage: str) -> None:
    """Let `role` do this with the credentials that workspaces keep for systems of their own; they are made at run time."""
    arn = Stack.of(role).format_arn(
        service="secretsmanager", resource="secret", resource_name=f"presage-{stage}/*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    role.add_to_principal_policy(iam.PolicyStatement(actions=[f"secretsmanager:{action}" for action in actions], resources=[arn]))
    accept_wildcards(role, "They are made at run time, so their names are not known here.", rf"Resource::.*:secret:presage-{stage}/\*")


def grant_sending(role: iam.IRole, *queues: sqs.Queue) -> None:
    """Let `role` send messages to the queues."""
    for queue in queues:
        queue.grant(role, "sqs:SendMessage")


def grant_log_reading(role: iam.IRole, table: dynamodb.TableV2) -> None:
    """Let `role` find items by their key and through the table's indexes."""
    _grant_items(role, table, "dynamodb:GetItem", index_actions=["dynamodb:Query"], key_actions=["kms:Decrypt", "kms:DescribeKey"])
    accept_wildcards(role, _LOG_INDEXES, r"Resource::.*Table.*/index/\*")


def grant_log_querying(role: iam.IRole, table: dynamodb.TableV2) -> None:
    """Let `role` find items through the table's indexes only."""
    _grant_items(role, table, index_actions=["dynamodb:Query"], key_actions=["kms:Decrypt", "kms:DescribeKey"])
    accept_wildcards(role, _LOG_INDEXES, r"Resource::.*Table.*/index/\*")


def grant_log_getting(role: iam.IRole, table: dynamodb.TableV2) -> None:
    """Let `role` get items by their key."""
    _grant_items(role, table, "dynamodb:GetItem", index_actions=[], key_actions=["kms:Decrypt", "kms:DescribeKey"])


def grant_keeping_answers(role: iam.IRole, table: dynamodb.TableV2) -> None:
    """Let `role` put, get and delete single items."""
    actions = ["dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:DeleteItem"]
    _grant_items(role, table, *actions, index_actions=[], key_actions=_WRITERS_KEY_ACTIONS)


def grant_log_writing(role: iam.IRole, table: dynamodb.TableV2) -> None:
    """Let `role` put items in batches."""
    _grant_items(role, table, "dynamodb:BatchWriteItem", index_actions=[], key_actions=_WRITERS_KEY_ACTIONS)


def _grant_items(role: iam.IRole, table: dynamodb.TableV2, *actions: str, index_actions: list[str], key_actions: Sequence[str]) -> None:
    if actions:
        role.add_to_principal_policy(iam.PolicyStatement(actions=list(actions), resources=[table.table_arn]))
    if index_actions:
        role.add_to_principal_policy(iam.PolicyStatement(actions=index_actions, resources=[f"{table.table_arn}/index/*"]))
    if table.encryption_key is not None:
        table.encryption_key.grant(role, *key_actions)
