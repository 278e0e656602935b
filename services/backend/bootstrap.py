"""Puts the backend together: the only file here that knows the adapters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from presage.adapters.apigateway.key_gateway import ApiGatewayKeyGateway
from presage.adapters.client import build_client
from presage.adapters.dynamo.prediction_log import DynamoPredictionLog
from presage.adapters.s3.feature_set_store import S3FeatureSetStore
from presage.adapters.s3.upload_store import S3UploadStore
from presage.adapters.sql.api_key_store import SqlApiKeyStore
from presage.adapters.sql.database import build_engine, check_database
from presage.adapters.sql.dataset_store import SqlDatasetStore
from presage.adapters.sql.experiment_store import SqlExperimentStore
from presage.adapters.sql.job_outbox import SqlJobOutbox
from presage.adapters.sql.job_store import SqlJobStore
from presage.adapters.sql.model_registry import SqlModelRegistry
from presage.adapters.sql.notification_store import SqlNotificationStore
from presage.adapters.sql.version_registry import SqlVersionRegistry
from presage.adapters.sql.workspace_store import SqlWorkspaceStore
from presage.adapters.sqs.job_queue import SqsJobQueue
from presage.jobs.use_cases import JobPorts
from presage.runtime.observability import configure_logging
from services.backend.context import BackendPorts
from services.backend.settings import BackendSettings


def build(settings: BackendSettings) -> tuple[BackendPorts, Callable[[], None]]:
    """Return the real ports and the check that the database answers. Nothing is connected yet."""
    configure_logging(service="backend", stage=settings.stage)
    engine = build_engine(
        host=settings.database_host,
        port=settings.database_port,
        database=settings.database_name,
        username=settings.database_credentials.username,
        password=settings.database_credentials.password,
    )
    s3 = build_client("s3")
    ports = BackendPorts(
        workspaces=SqlWorkspaceStore(engine),
        api_keys=SqlApiKeyStore(engine),
        gateway=ApiGatewayKeyGateway(build_client("apigateway"), settings.gateway_usage_plans),
        datasets=SqlDatasetStore(engine),
        feature_sets=S3FeatureSetStore(settings.lake_bucket, s3),
        uploads=S3UploadStore(s3, settings.lake_bucket),
        models=SqlModelRegistry(engine),
        versions=SqlVersionRegistry(engine),
        experiments=SqlExperimentStore(engine),
        jobs=JobPorts(SqlJobStore(engine), SqlJobOutbox(engine), SqsJobQueue(build_client("sqs"), settings.jobs_queue_url)),
        notifications=SqlNotificationStore(engine),
        predictions=DynamoPredictionLog(settings.prediction_table),
    )
    return ports, partial(check_database, engine)
