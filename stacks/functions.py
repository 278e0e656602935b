"""The functions off the request path: land records, profile feature sets, log predictions, load assignments."""

from dataclasses import dataclass, replace

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from constructs import Construct

from stacks.alerts import AlertsStack
from stacks.config import StageConfig
from stacks.constructs.findings import LOG_POLICY, accept_wildcards, acknowledge
from stacks.constructs.grants import BucketRights, grant_log_writing
from stacks.constructs.python_function import PythonFunction
from stacks.constructs.watched_queue import DeadLetterQueue, WatchedQueue
from stacks.prediction_log import PredictionLogStack
from stacks.queues import LAND_RECORDS_TIMEOUT, LOAD_ASSIGNMENTS_TIMEOUT, LOG_PREDICTIONS_TIMEOUT, QueuesStack
from stacks.stage_stack import StageStack
from stacks.storage import StorageStack
from stacks.warehouse import WarehouseStack

MANIFEST_SUFFIX = ".manifest.json"
PROFILE_TIMEOUT = cdk.Duration.minutes(15)
PROFILE_MEMORY_MIB = 1_769
"""One whole processor; 10 M rows of 20 columns take a third of the memory (docs/benchmarks.md)."""
_READERS = 2
"""Instances that read one queue: SQS's minimum. Writers of one dataset contend for its next version; fewer writers mean larger batches."""

_LOGGERS = 10
"""Instances that put predictions, which contend for nothing: DynamoDB takes what they bring."""
_PROFILES_AT_ONCE = 20
"""A burst of manifests must not use up the account's concurrency."""


@dataclass(frozen=True)
class FunctionInputs:
    """What the functions read, write and are watched by."""

    alerts: AlertsStack
    storage: StorageStack
    queues: QueuesStack
    prediction_log: PredictionLogStack
    warehouse: WarehouseStack


class FunctionsStack(StageStack):
    """Four functions, each with what starts it and only the rights it needs."""

    def __init__(self, scope: Construct, *, config: StageConfig, inputs: FunctionInputs) -> None:
        super().__init__(scope, "Functions", config=config, description="Presage: functions off the request path")
        self.inputs = inputs
        self._environment = {"PRESAGE_STAGE": config.name, "PRESAGE_LAKE_BUCKET": inputs.storage.lake.bucket_name}
        self.land_records = self._land_records()
        self.profile_feature_set = self._profile_feature_set()
        self.log_predictions = self._log_predictions()
        self.load_assignments = self._load_assignments()
        self.all = (self.land_records, self.profile_feature_set, self.log_predictions, self.load_assignments)
        for function in self.all:
            function.watch(inputs.alerts.topic)
            accept_wildcards(function, "Objects of every workspace, below these prefixes only.", r"Resource::.*Lake.*/ws=\*/.*")
            accept_wildcards(function, "X-Ray takes traces of any resource.", r"Resource::\*")
            self.export_output(f"{function.node.id}Function", function.function.function_name)

    def _land_records(self) -> PythonFunction:
        function = PythonFunction(
            self, "land_records", config=self.config.functions, timeout=LAND_RECORDS_TIMEOUT, environment=self._environment
        )
        lake = BucketRights(self.inputs.storage.lake, function.role)
        lake.read("ws=*/staging/records/*", "ws=*/dataset=*/records/*", "ws=*/dataset=*/versions/*", "ws=*/dataset=*/ids/*")
        lake.write("ws=*/dataset=*/records/*", "ws=*/dataset=*/versions/*")
        lake.write("ws=*/dataset=*/ids/*", tagged=True)
        _consume(function, self.inputs.queues.records, batch_size=10, window_seconds=2)
        return function

    def _profile_feature_set(self) -> PythonFunction:
        function = PythonFunction(
            self,
            "profile_feature_set",
            config=replace(self.config.functions, memory_mib=PROFILE_MEMORY_MIB),
            timeout=PROFILE_TIMEOUT,
            environment={
                **self._environment,
                "PRESAGE_SAMPLE_ROWS": str(self.config.functions.sample_rows),
                "OPENBLAS_NUM_THREADS": "1",  # parts are read in threads already
            },
        )
        lake = BucketRights(self.inputs.storage.lake, function.role)
        lake.read("ws=*/dataset=*/records/*", "ws=*/dataset=*/versions/*")
        lake.write("ws=*/dataset=*/profiles/*")
        failures = DeadLetterQueue(self, "ProfileFailures", topic=self.inputs.alerts.topic).queue
        acknowledge(failures, {"SQS3": "It is the dead-letter queue of an asynchronous invocation."})
        function.function.configure_async_invoke(
            on_failure=destinations.SqsDestination(failures), retry_attempts=2, max_event_age=cdk.Duration.hours(6)
        )
        self._start_on_manifests(function.function)
        function.bound(_PROFILES_AT_ONCE)
        self.export_output("ProfileFailuresUrl", failures.queue_url)
        return function

    def _start_on_manifests(self, function: lambda_.Function) -> None:
        """Subscribe to the bucket from here: seen from the bucket's stack the two would need each other."""
        lake = s3.Bucket.from_bucket_attributes(
            self, "LakeReference", bucket_name=self.inputs.storage.lake.bucket_name, bucket_arn=self.inputs.storage.lake.bucket_arn
        )
        lake.add_event_notification(
            s3.EventType.OBJECT_CREATED, notifications.LambdaDestination(function), s3.NotificationKeyFilter(suffix=MANIFEST_SUFFIX)
        )
        handler = next(child for child in self.node.children if child.node.id.startswith("BucketNotificationsHandler"))
        acknowledge(
            handler,
            {LOG_POLICY: "CDK's own, at deployment only."},
        )
        accept_wildcards(handler, "CDK's own handler, which sets bucket notifications at deployment only.", r"Resource::\*")

    def _log_predictions(self) -> PythonFunction:
        table = self.inputs.prediction_log.table
        function = PythonFunction(
            self,
            "log_predictions",
            config=self.config.functions,
            timeout=LOG_PREDICTIONS_TIMEOUT,
            environment={**self._environment, "PRESAGE_PREDICTION_TABLE": table.table_name},
        )
        lake = BucketRights(self.inputs.storage.lake, function.role)
        lake.read("ws=*/staging/predictions/*")
        lake.write("ws=*/predictions/*", tagged=True)
        grant_log_writing(function.role, table)
        _consume(function, self.inputs.queues.predictions, batch_size=10, window_seconds=1, readers=_LOGGERS)
        return function

    def _load_assignments(self) -> PythonFunction:
        function = PythonFunction(
            self,
            "load_assignments",
            config=self.config.functions,
            timeout=LOAD_ASSIGNMENTS_TIMEOUT,
            environment={**self._environment, **self.inputs.warehouse.variables},
        )
        BucketRights(self.inputs.storage.lake, function.role).write("ws=*/staging/assignments/*", tagged=True)
        self.inputs.warehouse.grant_batches(function.role)
        accept_wildcards(function, "A statement has no ARN; the Data API shows each caller its own ones.", r"Resource::\*")
        _consume(function, self.inputs.queues.assignments, batch_size=100, window_seconds=5)
        return function


def _consume(function: PythonFunction, watched: WatchedQueue, *, batch_size: int, window_seconds: int, readers: int = _READERS) -> None:
    source = sources.SqsEventSource(
        watched.queue,
        batch_size=batch_size,
        max_batching_window=cdk.Duration.seconds(window_seconds),
        report_batch_item_failures=True,
        max_concurrency=readers,
    )
    function.function.add_event_source(source)
