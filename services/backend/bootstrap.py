"""Puts the backend together: the only file here that knows the adapters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from presage.adapters.apigateway.key_gateway import ApiGatewayKeyGateway
from presage.adapters.client import build_client
from presage.adapters.dynamo.overflow import Overflow
from presage.adapters.dynamo.prediction_log import DynamoPredictionLog
from presage.adapters.http.prediction_api import HttpPredictionApi
from presage.adapters.s3.batch_results import S3BatchResults
from presage.adapters.s3.certificate_store import S3CertificateStore
from presage.adapters.s3.feature_set_store import S3FeatureSetStore
from presage.adapters.s3.model_files import S3ModelFiles
from presage.adapters.s3.quarantine_store import S3QuarantineStore
from presage.adapters.s3.recipe_store import S3RecipeStore
from presage.adapters.s3.training_report_store import S3TrainingReportStore
from presage.adapters.s3.upload_store import S3UploadStore
from presage.adapters.s3.version_report_store import S3VersionReportStore
from presage.adapters.secretsmanager.credential_store import SecretCredentialStore
from presage.adapters.sql.credentials import SecretCredentials
from presage.adapters.sql.database import build_engine, check_database
from presage.adapters.sql.stores import SqlStores
from presage.adapters.sqs.job_queue import SqsJobQueue
from presage.adapters.sqs.queue_inspector import SqsQueueInspector
from presage.jobs.use_cases import JobPorts
from presage.notifications.webhooks import WebhookPorts
from presage.predictions.loading import ScorerCache
from presage.predictions.replay import ReplayPorts
from presage.runtime.observability import configure_logging
from services.backend.bootstrap_accounts import build_account_ports
from services.backend.context import BackendPorts, Listings
from services.backend.settings import BackendSettings

MAX_CACHE_BYTES = 2 << 30
"""Of an instance's disk; a snapshot is read again from the lake when it has gone."""
REPLAY_MEMORY_BYTES = 64 << 20
"""Of each process, for versions that answer again."""


def build(settings: BackendSettings) -> tuple[BackendPorts, Callable[[], None]]:
    """Return the real ports and the check that the database answers. Nothing is connected yet."""
    configure_logging(service="backend", stage=settings.stage)
    secrets = build_client("secretsmanager")
    engine = build_engine(
        host=settings.database_host,
        port=settings.database_port,
        database=settings.database_name,
        credentials=SecretCredentials(secrets, settings.database_secret_arn),
    )
    sql, s3, sqs = SqlStores.build(engine), build_client("s3"), build_client("sqs")
    credentials = SecretCredentialStore(secrets, stage=settings.stage)
    ports = BackendPorts(
        workspaces=sql.workspaces,
        members=sql.members,
        accounts=build_account_ports(settings, sql),
        api_keys=sql.api_keys,
        gateway=ApiGatewayKeyGateway(build_client("apigateway"), settings.gateway_usage_plans),
        datasets=sql.datasets,
        feature_sets=S3FeatureSetStore(settings.lake_bucket, s3),
        uploads=S3UploadStore(s3, settings.lake_bucket),
        quarantine=S3QuarantineStore(settings.lake_bucket, s3),
        credentials=credentials,
        models=sql.models,
        versions=sql.versions,
        policies=sql.policies,
        recipes=S3RecipeStore(settings.lake_bucket, s3),
        experiments=sql.experiments,
        experiment_events=sql.experiment_events,
        holdouts=sql.holdouts,
        certificates=S3CertificateStore(settings.lake_bucket, s3),
        estimates=S3VersionReportStore(settings.lake_bucket, s3, folder="off_policy"),
        drift_reports=S3VersionReportStore(settings.lake_bucket, s3, folder="drift"),
        reports=S3TrainingReportStore(settings.lake_bucket, s3),
        jobs=JobPorts(sql.jobs, sql.outbox, SqsJobQueue(sqs, settings.jobs_queue_url)),
        notifications=sql.notifications,
        webhooks=WebhookPorts(sql.webhooks, credentials, sql.notifications, allow_loopback=settings.webhook_loopback),
        deliveries=sql.deliveries,
        mail_settings=sql.mail_settings,
        predictions=DynamoPredictionLog(settings.prediction_table, Overflow(settings.lake_bucket, s3)),
        replay=_build_replay(settings, sql),
        prediction_api=HttpPredictionApi(settings.public_api_url),
        batch_results=S3BatchResults(settings.lake_bucket, s3),
        listings=_list_from(sql),
        audit=sql.audit,
        queues=SqsQueueInspector(sqs, urls=settings.queue_urls, dead_letter_urls=settings.dead_letter_urls),
    )
    return ports, partial(check_database, engine)


def _build_replay(settings: BackendSettings, sql: SqlStores) -> ReplayPorts:
    files = S3ModelFiles(
        client=build_client("s3"),
        artifacts_bucket=settings.artifacts_bucket,
        lake_bucket=settings.lake_bucket,
        folder=Path(settings.cache_directory),
        max_folder_bytes=MAX_CACHE_BYTES,
    )
    scorers = ScorerCache(files, memory_bytes=REPLAY_MEMORY_BYTES)
    return ReplayPorts(sql.models, sql.versions, sql.experiments, sql.experiment_events, files, scorers)


def _list_from(sql: SqlStores) -> Listings:
    return Listings(
        datasets=sql.datasets.listing,
        models=sql.models.listing,
        experiments=sql.experiments.listing,
        jobs=sql.jobs.listing,
        notifications=sql.notifications.listing,
        users=sql.members.listing,
        api_keys=sql.api_keys.listing,
    )
