"""The worker: background jobs in a worker environment of Elastic Beanstalk."""

from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.config import StageConfig
from stacks.constructs.beanstalk import BeanstalkEnvironment, BeanstalkProgram
from stacks.constructs.findings import accept_wildcards
from stacks.constructs.grants import BucketRights, grant_credentials, grant_log_querying
from stacks.constructs.watched_queue import MAXIMUM_RECEIVES
from stacks.data_plane import DataPlane
from stacks.mail import MailStack
from stacks.network import NetworkStack
from stacks.queues import JOB_TIMEOUT
from stacks.spark import SparkStack
from stacks.stage_stack import StageStack
from stacks.trainer import TrainerStack

_CONNECTIONS = 4


@dataclass(frozen=True)
class WorkerInputs:
    """What the worker works on and what it starts."""

    network: NetworkStack
    data: DataPlane
    spark: SparkStack
    trainer: TrainerStack
    mail: MailStack


class WorkerStack(StageStack):
    """The worker environment: Beanstalk's daemon posts each message of the jobs queue to it."""

    def __init__(self, scope: Construct, *, config: StageConfig, inputs: WorkerInputs) -> None:
        super().__init__(scope, "Worker", config=config, description="Presage: worker on Elastic Beanstalk")
        data = inputs.data
        program = BeanstalkProgram(
            service="worker",
            tier="worker",
            environment={
                "PRESAGE_STAGE": config.name,
                **data.variables,
                **data.warehouse.variables,
                "PRESAGE_ARTIFACTS_BUCKET": data.storage.artifacts.bucket_name,
                "PRESAGE_PREDICTION_TABLE": data.prediction_log.table.table_name,
                "PRESAGE_AMPLITUDE_URLS": self.to_json_string(dict(config.amplitude_urls)),
                "PRESAGE_WAREHOUSE_NETWORKS": self.to_json_string(_read_warehouse_networks(self, config)),
                "PRESAGE_CACHE_DIRECTORY": config.beanstalk.cache_directory,
                **inputs.spark.variables,
                **inputs.trainer.variables,
                **inputs.mail.variables,
                "PRESAGE_DELIVERY_RETENTION_DAYS": str(config.delivery_retention_days),
                "PRESAGE_WEBHOOK_LOOPBACK": str(config.webhook_loopback).lower(),
            },
            secrets={},
            options=_daemon_options(data),
        )
        self.worker = BeanstalkEnvironment(self, "Worker", config=config, network=inputs.network, program=program)
        role = self.worker.role
        _grant_data(role, data)
        grant_credentials(role, "GetSecretValue", stage=config.name)
        inputs.spark.grant_submit(role)
        inputs.trainer.grant_run(role)
        inputs.mail.grant_sending(role)
        accept_wildcards(role, "Statements and tasks of this account; tasks only on this cluster, by condition.", r"Resource::\*")
        self.export_output("WorkerEnvironment", self.worker.environment.ref)


def _read_warehouse_networks(scope: Construct, config: StageConfig) -> list[str]:
    """Return the networks of `-c warehouse_networks=10.1.0.0/16,…` (peered ones); on one machine its own."""
    given = str(scope.node.try_get_context("warehouse_networks") or "")
    own = ["127.0.0.0/8"] if config.name == "local" else []
    return [*own, *(network.strip() for network in given.split(",") if network.strip())]


def _grant_data(role: iam.IRole, data: DataPlane) -> None:
    """Let the worker import files, check what builds made, load outcomes, certify conclusions, judge by the log, take and send jobs."""
    lake = BucketRights(data.storage.lake, role)
    lake.read("ws=*/imports/*", "ws=*/dataset=*/*", "ws=*/training_sets/*", "ws=*/snapshots/*", "ws=*/predictions/*")
    lake.read("ws=*/batch_predictions/*", "ws=*/drift/*")
    lake.write("ws=*/dataset=*/records/*", "ws=*/dataset=*/versions/*", "ws=*/training_sets/*")
    lake.write("ws=*/experiments/*", "ws=*/off_policy/*", "ws=*/drift/*")
    lake.write("ws=*/batch_predictions/*", "ws=*/snapshots/*", "ws=*/quarantine/*")
    lake.write("ws=*/staging/outcomes/*", tagged=True)
    BucketRights(data.storage.artifacts, role).read("ws=*/models/*")
    grant_log_querying(role, data.prediction_log.table)
    data.queues.jobs.queue.grant(role, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:SendMessage")
    data.warehouse.grant_statements(role)
    data.metadata.grant_opening(role)


def _daemon_options(data: DataPlane) -> dict[tuple[str, str], str]:
    daemon = "aws:elasticbeanstalk:sqsd"
    timeout = int(JOB_TIMEOUT.to_seconds())
    return {
        (daemon, "WorkerQueueURL"): data.queues.jobs.queue.queue_url,
        (daemon, "HttpPath"): "/",
        (daemon, "MimeType"): "application/json",
        (daemon, "HttpConnections"): str(_CONNECTIONS),
        (daemon, "InactivityTimeout"): str(timeout),
        (daemon, "VisibilityTimeout"): str(6 * timeout),
        (daemon, "ErrorVisibilityTimeout"): "30",
        (daemon, "MaxRetries"): str(MAXIMUM_RECEIVES),
        ("aws:elasticbeanstalk:application", "Application Healthcheck URL"): "/healthz",
    }
