"""Spark on EMR clusters on EC2: what a cluster needs to be started, one for each step and no longer than it (docs/adr/0012).

No cluster is a resource of the stack: one that ended by itself would never be made again, and one that does not end costs at night.
"""

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_emr as emr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from stacks.constructs.findings import accept_wildcards, acknowledge
from stacks.constructs.serverless_spark import RELEASE
from stacks.constructs.spark_target import pass_role
from stacks.network import NetworkStack
from stacks.stage_stack import StageStack
from stacks.storage import StorageStack

CERTIFICATES = "tls/certificates.zip"
"""The key of the PEM files that the nodes speak TLS with, put there by hand (docs/operations.md)."""
MANAGED_TAG = "for-use-with-amazon-emr-managed-policies"
_LOGS = "logs/"
_VCPU_A_NODE = 4
_SERVICE, _NODES = "elasticmapreduce.amazonaws.com", "ec2.amazonaws.com"
_POLICY = "service-role/AmazonEMRServicePolicy_v2"
_DISK_ACTIONS = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo")
_FOLLOW_ACTIONS = ["DescribeCluster", "ListSteps", "TerminateJobFlows"]


class SparkClusters:
    """Roles, security groups, a security configuration and a bucket for logs and certificates."""

    def __init__(self, stack: StageStack, *, network: NetworkStack, storage: StorageStack) -> None:
        self._stack, self._network, self._storage = stack, network, storage
        self.role = iam.Role(stack, "ExecutionRole", assumed_by=iam.ServicePrincipal(_NODES))
        self.profile = iam.CfnInstanceProfile(stack, "Profile", roles=[self.role.role_name])
        self.key = kms.Key(stack, "LogKey", enable_key_rotation=True, removal_policy=stack.removal_policy)
        self.key.grant(self.role, *_DISK_ACTIONS)
        self.files = self._bucket()
        self.service_role = self._service_role()
        self.groups = {name: self._group(name) for name in ("Primary", "Core", "Service")}
        self.groups["Service"].add_ingress_rule(self.groups["Primary"], ec2.Port.tcp(9443), "the primary node to EMR")
        self.security = self._security()
        self._tag_subnets()
        stack.export_output("EmrFilesBucket", self.files.bucket_name)
        stack.export_output("EmrServiceRoleArn", self.service_role.role_arn)

    @property
    def setting(self) -> Mapping[str, object]:
        """The plan that every cluster is made by."""
        spark, stage = self._stack.config.spark, self._stack.config.name
        groups = {f"{name.lower()}_security_group": group.security_group_id for name, group in self.groups.items()}
        return {
            "kind": "cluster",
            "name": f"presage-{stage}",
            "release": RELEASE,
            "service_role": self.service_role.role_arn,
            "instance_profile": self.profile.ref,
            "security_configuration": self.security.ref,
            "log_uri": f"s3://{self.files.bucket_name}/{_LOGS}",
            "log_key_arn": self.key.key_arn,
            "subnets": self._network.vpc.select_subnets(subnet_group_name="service").subnet_ids,
            **groups,
            "instance_types": list(spark.cluster_instance_types),
            "core_nodes": spark.cluster_nodes,
            "task_nodes": max(spark.maximum_vcpu // _VCPU_A_NODE - spark.cluster_nodes, 0),
            "tags": {"app": "presage", "stage": stage, MANAGED_TAG: "true"},
        }

    def grant_submit(self, role: iam.IRole) -> None:
        """Let `role` start clusters that carry the stage's tags, and follow and end those."""
        clusters = self._stack.format_arn(service="elasticmapreduce", resource="cluster", resource_name="*")
        stage = self._stack.config.name
        for actions, resource, key in (
            (["RunJobFlow"], "*", "RequestTag"),
            (["AddTags"], clusters, "RequestTag"),
            (_FOLLOW_ACTIONS, clusters, "ResourceTag"),
        ):
            role.add_to_principal_policy(
                iam.PolicyStatement(
                    actions=[f"elasticmapreduce:{action}" for action in actions],
                    resources=[resource],
                    conditions={"StringEquals": {f"elasticmapreduce:{key}/stage": stage}},
                )
            )
        role.add_to_principal_policy(iam.PolicyStatement(actions=["elasticmapreduce:ListClusters"], resources=["*"]))
        accept_wildcards(role, "A cluster's id is known only once it exists; its tag says whose it is.", r"Resource::.*:cluster/\*")
        pass_role(role, self.service_role, service=_SERVICE)
        pass_role(role, self.role, service=_NODES)

    def _bucket(self) -> s3.Bucket:
        """The bucket of the clusters' own files; the nodes write logs and read the certificates."""
        bucket = s3.Bucket(
            self._stack,
            "Files",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=True,
            server_access_logs_bucket=self._storage.access_logs,
            server_access_logs_prefix="emr/",
            removal_policy=self._stack.removal_policy,
            lifecycle_rules=[
                s3.LifecycleRule(prefix=_LOGS, expiration=cdk.Duration.days(self._stack.config.log_retention_days)),
                s3.LifecycleRule(noncurrent_version_expiration=cdk.Duration.days(30)),
            ],
        )
        for action, keys in (("s3:PutObject", f"{_LOGS}*"), ("s3:GetObject", CERTIFICATES)):
            self.role.add_to_principal_policy(iam.PolicyStatement(actions=[action], resources=[bucket.arn_for_objects(keys)]))
        accept_wildcards(self.role, "The logs of every cluster.", r"Resource::.*Files.*/logs/\*")
        return bucket

    def _service_role(self) -> iam.Role:
        """EMR's own role, as AWS defines it: it may use only what is tagged for it, so it also needs the nodes' role and the disks' key."""
        managed = iam.ManagedPolicy.from_aws_managed_policy_name(_POLICY)
        own_account = {"StringEquals": {"aws:SourceAccount": self._stack.account}}
        principal = iam.PrincipalWithConditions(iam.ServicePrincipal(_SERVICE), own_account)
        role = iam.Role(self._stack, "ServiceRole", assumed_by=principal, managed_policies=[managed])
        acknowledge(role, {f"IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{_POLICY}]": "EMR's service role, as AWS defines it."})
        pass_role(role, self.role, service=_NODES)
        self.key.grant(role, *_DISK_ACTIONS, "kms:GenerateDataKeyWithoutPlaintext")
        for_disks = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
        role.add_to_principal_policy(iam.PolicyStatement(actions=["kms:CreateGrant"], resources=[self.key.key_arn], conditions=for_disks))
        return role

    def _group(self, name: str) -> ec2.SecurityGroup:
        """A group that lets nobody in; EMR adds what its nodes need among themselves."""
        group = ec2.SecurityGroup(
            self._stack, f"{name}SecurityGroup", vpc=self._network.vpc, allow_all_outbound=name != "Service", description=f"EMR {name}"
        )
        cdk.Tags.of(group).add(MANAGED_TAG, "true")
        return group

    def _security(self) -> emr.CfnSecurityConfiguration:
        """Encryption at rest and between the nodes, and no first metadata service."""
        disks = {"EncryptionKeyProviderType": "AwsKms", "AwsKmsKey": self.key.key_arn, "EnableEbsEncryption": True}
        at_rest = {
            "S3EncryptionConfiguration": {"EncryptionMode": "SSE-KMS", "AwsKmsKey": self._storage.key.key_arn},
            "LocalDiskEncryptionConfiguration": disks,
        }
        certificates = {"CertificateProviderType": "PEM", "S3Object": f"s3://{self.files.bucket_name}/{CERTIFICATES}"}
        return emr.CfnSecurityConfiguration(
            self._stack,
            "Security",
            security_configuration={
                "EncryptionConfiguration": {
                    "EnableAtRestEncryption": True,
                    "AtRestEncryptionConfiguration": at_rest,
                    "EnableInTransitEncryption": True,
                    "InTransitEncryptionConfiguration": {"TLSCertificateConfiguration": certificates},
                },
                "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": 2, "HttpPutResponseHopLimit": 1},
            },
        )

    def _tag_subnets(self) -> None:
        """EMR's role may start instances in tagged subnets only."""
        for subnet in self._network.vpc.select_subnets(subnet_group_name="service").subnets:
            cdk.Tags.of(subnet).add(MANAGED_TAG, "true")
