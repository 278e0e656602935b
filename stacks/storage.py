"""The data lake and the model artifacts in S3."""

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.aspects.rule import accept_rule
from stacks.config import StageConfig
from stacks.constructs.findings import acknowledge
from stacks.pages import read_pages_url
from stacks.stage_stack import StageStack

STAGING_TAG = {"presage": "staging"}
STAGING_EXPIRY = cdk.Duration.days(60)
"""Longer than a message can wait for the object it points to: in its queue, as a dead letter, and both again after a redrive."""

PREDICTION_TAG = {"presage": "prediction"}
PREDICTION_EXPIRY = cdk.Duration.days(91)
"""A day longer than the prediction log keeps the items whose bulk these objects are."""

IDS_TAG = {"presage": "ids"}
IDS_EXPIRY = cdk.Duration.days(10)
"""Longer than the eight days for which land_records reads a segment of ids (docs/adr/0017)."""


class StorageStack(StageStack):
    """Buckets by class of data: lake, artifacts, and the access logs of both."""

    def __init__(self, scope: Construct, *, config: StageConfig) -> None:
        super().__init__(scope, "Storage", config=config, description="Presage: data lake, model artifacts, access logs")
        self.key = kms.Key(self, "Key", enable_key_rotation=True, removal_policy=self.removal_policy)
        self.access_logs = s3.Bucket(
            self,
            "AccessLogs",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=self.removal_policy,
            lifecycle_rules=[s3.LifecycleRule(expiration=cdk.Duration.days(365))],
        )
        acknowledge(self.access_logs, {"S1": "This bucket receives the access logs; logging its own accesses would never end."})
        accept_rule(
            self.access_logs,
            {
                "S3-KMS": "Elastic Load Balancing writes its logs only to buckets with keys of S3.",
                "S3-VERSIONED": "A log is written once; versions would only double it.",
            },
        )
        self.lake = self._bucket("Lake", rules=_lake_rules())
        self.lake.add_cors_rule(
            allowed_methods=[s3.HttpMethods.PUT],
            allowed_origins=[read_pages_url(self, config)],
            allowed_headers=["content-type"],
            max_age=3600,
        )
        self.artifacts = self._bucket("Artifacts", rules=[])
        self.export_output("LakeBucket", self.lake.bucket_name)
        self.export_output("ArtifactsBucket", self.artifacts.bucket_name)
        self.export_output("AccessLogsBucket", self.access_logs.bucket_name)

    def _bucket(self, name: str, *, rules: list[s3.LifecycleRule]) -> s3.Bucket:
        return s3.Bucket(
            self,
            name,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=True,
            server_access_logs_bucket=self.access_logs,
            server_access_logs_prefix=f"{name.lower()}/",
            removal_policy=self.removal_policy,
            lifecycle_rules=[
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=cdk.Duration.days(7)),
                s3.LifecycleRule(noncurrent_version_expiration=cdk.Duration.days(30)),
                *rules,
            ],
        )


def _lake_rules() -> list[s3.LifecycleRule]:
    """What waits to be copied, predictions, and ids that landed long ago expire; keys begin with the workspace, so tags select them."""
    return [
        s3.LifecycleRule(tag_filters=STAGING_TAG, expiration=STAGING_EXPIRY),
        s3.LifecycleRule(tag_filters=PREDICTION_TAG, expiration=PREDICTION_EXPIRY),
        s3.LifecycleRule(tag_filters=IDS_TAG, expiration=IDS_EXPIRY),
        s3.LifecycleRule(
            transitions=[s3.Transition(storage_class=s3.StorageClass.INTELLIGENT_TIERING, transition_after=cdk.Duration.days(30))]
        ),
    ]
