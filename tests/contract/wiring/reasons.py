"""Rights that no recorded call needs, each with the reason why the role has it all the same; a reason that is needed no more fails."""

from dataclasses import dataclass

from tests.contract.wiring.rights import Right

FUNCTIONS = ("land_records", "profile_feature_set", "log_predictions", "load_assignments", "rotate_database_password")


@dataclass(frozen=True)
class Reason:
    """Why the components have a right that none of their recorded calls needs."""

    components: tuple[str, ...]
    right: Right
    why: str


def _reasons(components: tuple[str, ...], resource: str, why: str, *actions: str) -> list[Reason]:
    return [Reason(components, Right(action, resource), why) for action in actions]


_POLLER = "Lambda's poller reads the queue under the function's role; the set is the construct library's."
_LOG_KEY = (
    "DynamoDB uses the table's key on the caller's behalf (its developer guide, 'Authorizing use of your customer managed key'); "
    "which of these it uses cannot be seen from outside, and never was here."
)
_WRITING_KEY_ACTIONS = ("kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo")
_RARE = "Called when a job is cancelled or a limit of time passes, which no journey does; the port's contract test calls it."

_MISSING = "S3 answers 403 in place of 404 for a missing object to who may not list the bucket, and the code tells them apart."

_LARGE = "The bulk of an item over DynamoDB's 400 KB: no journey asks for one that large; the port's contract test puts and gets one."

REASONS: tuple[Reason, ...] = (
    *_reasons(FUNCTIONS, "*", "The tracing that the runtime does by itself.", "xray:PutTelemetryRecords", "xray:PutTraceSegments"),
    *(
        reason
        for component, queue in (
            ("land_records", "{RecordsQueueUrl}"),
            ("log_predictions", "{PredictionsQueueUrl}"),
            ("load_assignments", "{AssignmentsQueueUrl}"),
        )
        for reason in _reasons(
            (component,),
            queue,
            _POLLER,
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:GetQueueAttributes",
            "sqs:GetQueueUrl",
        )
    ),
    *_reasons(
        ("profile_feature_set",),
        "{ProfileFailuresUrl}",
        "Lambda sends failed asynchronous invocations there under the function's role; the set is the construct library's.",
        "sqs:SendMessage",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
    ),
    *_reasons(
        ("backend",),
        "{OperatorTokenSecret}",
        "Beanstalk's agent on the instance puts the secret into the environment, under the instance's role.",
        "secretsmanager:GetSecretValue",
    ),
    *_reasons(("backend", "worker"), "{assets}/*.zip", "Beanstalk's agent on the instance fetches the bundle.", "s3:GetObject"),
    *_reasons(("public_api", "backend", "worker", "log_predictions"), "{PredictionLog/Key}", _LOG_KEY, "kms:DescribeKey"),
    *_reasons(("log_predictions",), "{PredictionLog/Key}", _LOG_KEY, *_WRITING_KEY_ACTIONS),
    *_reasons(("public_api",), "{Idempotency/Key}", _LOG_KEY, "kms:DescribeKey", *_WRITING_KEY_ACTIONS),
    *_reasons(("public_api",), "{LakeBucket}/ws=*/staging/answers/*", _LARGE, "s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"),
    *_reasons(("public_api", "backend", "trainer", "worker"), "{ArtifactsBucket}", _MISSING, "s3:ListBucket"),
    *_reasons(("public_api", "trainer", "log_predictions"), "{LakeBucket}", _MISSING, "s3:ListBucket"),
    *_reasons(("public_api", "backend", "worker"), "{LakeBucket}/ws=*/predictions/*", _LARGE, "s3:GetObject"),
    *_reasons(("log_predictions",), "{LakeBucket}/ws=*/predictions/*", _LARGE, "s3:PutObject", "s3:PutObjectTagging"),
    *_reasons(("log_predictions",), "{Storage/Key}", _LARGE, "kms:GenerateDataKey"),
    *_reasons(
        ("land_records",),
        "{LakeBucket}/ws=*/dataset=*/records/*",
        "A batch delivered twice finds its part there and reads it; tests/integration/lambdas/test_data_in.py delivers one twice.",
        "s3:GetObject",
    ),
    *(
        reason
        for folder in ("snapshots", "batch_predictions")
        for reason in _reasons(
            ("spark",),
            f"{{LakeBucket}}/ws=*/{folder}/*",
            "Spark overwrites what a broken run left and deletes its committer's temporary folders; here that happens on files.",
            "s3:DeleteObject",
        )
    ),
    *_reasons(("backend",), "*", _RARE, "redshift-data:CancelStatement"),
    *_reasons(("worker",), "*", _RARE, "redshift-data:CancelStatement"),
    *_reasons(
        ("spark",),
        "{Spark/LogKey}",
        "EMR Serverless encrypts the run's logs with it, under the execution role; the local runs write theirs to files.",
        "kms:Decrypt",
        "kms:GenerateDataKey",
    ),
    *_reasons(("load_assignments",), "*", _RARE, "redshift-data:CancelStatement"),
)

MANAGED_POLICIES = {
    "AWSLambdaBasicExecutionRole": "It only writes to log groups.",
    "AWSLambdaVPCAccessExecutionRole": "It manages the function's network interfaces, which know no ARNs.",
    "AWSElasticBeanstalkWebTier": "What Beanstalk's own agents on the instance need, kept current by AWS.",
    "AWSElasticBeanstalkWorkerTier": "What Beanstalk's own agents on the instance need, kept current by AWS.",
}
"""AWS's own policies on roles of components; what they allow is not held against the calls."""

OTHER_ROLES = {
    "PublicApi/TaskExecutionRole": "ECS's agent: pulls the image, writes logs. No code of ours runs under it.",
    "PublicApi/ServiceAlternateRole": "ECS itself, to shift the listener's traffic between the two colours of a deployment.",
    "Warehouse/AWS679f53fac002430cb0da5b7982bd2287ServiceRole": "The CDK's own, at deployment only: sets the workgroup's usage limit.",
    "Trainer/TaskExecutionRole": "ECS's agent, as for the public API.",
    "Backend/WebServiceRole": "Elastic Beanstalk itself, with the policies that AWS defines.",
    "Worker/WorkerServiceRole": "Elastic Beanstalk itself, with the policies that AWS defines.",
    "Functions/BucketNotificationsHandler050a0587b7544547bf325f094a3db834Role": "The CDK's own, at deployment only.",
    "Gateway/ApiCloudWatchRole": "API Gateway's own, to write logs.",
    "Network/VpcFlowLogIAMRole": "The flow log's own, to write to its log group.",
}
"""Roles under which AWS or the CDK acts, and no component."""
