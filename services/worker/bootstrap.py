"""Puts the worker together: with the other `bootstrap_*.py`, the only file here that knows the adapters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from threading import Event

from presage.adapters.client import build_client
from presage.adapters.s3.feature_set_store import S3FeatureSetStore
from presage.adapters.sql.credentials import SecretCredentials
from presage.adapters.sql.database import build_engine, check_database
from presage.adapters.sql.stores import SqlStores
from presage.adapters.sqs.job_queue import SqsJobQueue
from presage.jobs.execution import Execution
from presage.jobs.use_cases import JobPorts, publish_pending
from presage.runtime.observability import configure_logging
from presage.runtime.worker import Worker
from presage.tenancy.accounts.sessions import sweep_accounts
from services.worker.bootstrap_analyses import build_analysis_ports
from services.worker.bootstrap_builds import build_build_ports
from services.worker.bootstrap_drift import build_drift_ports
from services.worker.bootstrap_imports import build_import_sources
from services.worker.bootstrap_notifications import build_delivery_ports
from services.worker.bootstrap_off_policy import build_off_policy_ports
from services.worker.drift import enqueue_drift_checks
from services.worker.handlers import HandlerPorts, build_handlers
from services.worker.notifying import notify_outside
from services.worker.retraining import RetrainingPorts, enqueue_retrainings
from services.worker.settings import WorkerSettings
from services.worker.tasks import enqueue_analyses, enqueue_refreshes


def build(settings: WorkerSettings) -> tuple[Worker, Callable[[], None]]:
    """Return the worker on real ports and the check that the database answers. Nothing is connected yet."""
    configure_logging(service="worker", stage=settings.stage)
    clock = partial(datetime.now, UTC)
    engine = build_engine(
        host=settings.database_host,
        port=settings.database_port,
        database=settings.database_name,
        credentials=SecretCredentials(build_client("secretsmanager"), settings.database_secret_arn),
    )
    sql, s3 = SqlStores.build(engine), build_client("s3")
    lake = S3FeatureSetStore(settings.lake_bucket, s3)
    analysis = build_analysis_ports(settings, sql, lake)
    builds = build_build_ports(settings, sql, lake)
    drift = build_drift_ports(settings)
    handlers = HandlerPorts(
        imports=build_import_sources(settings, sql, lake),
        models=sql.models,
        build=builds,
        snapshots=sql.snapshots,
        analysis=analysis,
        off_policy=build_off_policy_ports(settings, sql, lake),
        drift=drift,
        clock=clock,
    )
    jobs = JobPorts(sql.jobs, sql.outbox, SqsJobQueue(build_client("sqs"), settings.jobs_queue_url))
    delivery = build_delivery_ports(settings, sql, clock=clock)
    retraining = RetrainingPorts(sql.policies, sql.models, sql.versions, drift.reports, jobs)
    tasks = {
        "relay-outbox": lambda: publish_pending(ports=jobs, now=clock()),
        "notify-outside": lambda: notify_outside(ports=delivery, retention_days=settings.delivery_retention_days),
        "analyse-experiments": lambda: enqueue_analyses(experiments=sql.experiments, warehouse=analysis.warehouse, jobs=jobs, now=clock()),
        "sweep-accounts": lambda: sweep_accounts(sweep=sql.account_sweep, now=clock()),
        "retrain-models": lambda: enqueue_retrainings(ports=retraining, now=clock()),
        "check-drift": lambda: enqueue_drift_checks(versions=sql.versions, jobs=jobs, now=clock()),
        "refresh-snapshots": lambda: enqueue_refreshes(versions=sql.versions, experiments=sql.experiments, jobs=jobs, now=clock()),
    }
    execution = Execution(sql.jobs, sql.notifications, build_handlers(handlers), clock, Event())
    return Worker(execution, jobs, tasks), partial(check_database, engine)
