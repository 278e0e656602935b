"""Rules on what holds data: buckets, the prediction log, the warehouse, logs."""

from typing import Any

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_logs as logs
from aws_cdk import aws_redshiftserverless as redshift
from aws_cdk import aws_s3 as s3

from stacks.aspects.rule import Rule, read, read_keys

_LOG_EXPORTS = {"userlog", "connectionlog", "useractivitylog"}


def _bucket_uses_kms(bucket: s3.CfnBucket) -> bool:
    rules = read_keys(read(bucket, "bucket_encryption")).get("serversideencryptionconfiguration") or [{}]
    default = read_keys(read_keys(rules[0]).get("serversideencryptionbydefault"))
    return default.get("ssealgorithm") == "aws:kms" and read_keys(rules[0]).get("bucketkeyenabled") is True


def _bucket_is_versioned(bucket: s3.CfnBucket) -> bool:
    return read_keys(read(bucket, "versioning_configuration")).get("status") == "Enabled"


def _bucket_forgets(bucket: s3.CfnBucket) -> bool:
    rules = read_keys(read(bucket, "lifecycle_configuration")).get("rules") or []
    return any(read_keys(rule).get("status") == "Enabled" for rule in rules)


def _table_is_protected(table: dynamodb.CfnGlobalTable) -> bool:
    replicas: list[Any] = read(table, "replicas") or []
    return bool(replicas) and all(read_keys(replica).get("deletionprotectionenabled") is True for replica in replicas)


def _table_uses_kms(table: dynamodb.CfnGlobalTable) -> bool:
    replicas: list[Any] = read(table, "replicas") or []
    keys = [read_keys(read_keys(replica).get("ssespecification")).get("kmsmasterkeyid") for replica in replicas]
    return read_keys(read(table, "sse_specification")).get("ssetype") == "KMS" and bool(keys) and all(keys)


def _table_forgets(table: dynamodb.CfnGlobalTable) -> bool:
    return read_keys(read(table, "time_to_live_specification")).get("enabled") is True


def _workgroup_is_capped(workgroup: redshift.CfnWorkgroup) -> bool:
    ceiling, base = read(workgroup, "max_capacity"), read(workgroup, "base_capacity")
    return ceiling is not None and base is not None and ceiling >= base


RULES = (
    Rule("S3-LIFECYCLE", "a bucket has a lifecycle rule that is enabled", s3.CfnBucket, _bucket_forgets),
    Rule("S3-KMS", "a bucket encrypts with a key of ours and a bucket key", s3.CfnBucket, _bucket_uses_kms),
    Rule("S3-VERSIONED", "a bucket keeps versions", s3.CfnBucket, _bucket_is_versioned),
    Rule("DDB-PROTECTED", "a table cannot be deleted by mistake", dynamodb.CfnGlobalTable, _table_is_protected),
    Rule("DDB-TTL", "a table's items expire", dynamodb.CfnGlobalTable, _table_forgets),
    Rule("DDB-KMS", "a table is encrypted with a key of ours", dynamodb.CfnGlobalTable, _table_uses_kms),
    Rule(
        "RS-PRIVATE",
        "a workgroup has no public address and routes through the VPC",
        redshift.CfnWorkgroup,
        lambda workgroup: read(workgroup, "publicly_accessible") is False and read(workgroup, "enhanced_vpc_routing") is True,
    ),
    Rule("RS-CAPPED", "a workgroup has a ceiling", redshift.CfnWorkgroup, _workgroup_is_capped),
    Rule("RS-KMS", "a namespace is encrypted with a key of ours", redshift.CfnNamespace, lambda each: bool(read(each, "kms_key_id"))),
    Rule(
        "RS-LOGS",
        "a namespace exports its user, connection and activity logs",
        redshift.CfnNamespace,
        lambda namespace: set(read(namespace, "log_exports") or ()) >= _LOG_EXPORTS,
    ),
    Rule("LOG-RETENTION", "a log group expires", logs.CfnLogGroup, lambda group: bool(read(group, "retention_in_days"))),
)
