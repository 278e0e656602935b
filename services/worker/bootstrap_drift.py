"""Puts together what drift is found with."""

from __future__ import annotations

from presage.adapters.client import build_client
from presage.adapters.dynamo.overflow import Overflow
from presage.adapters.dynamo.prediction_log import DynamoPredictionLog
from presage.adapters.s3.training_files import S3TrainingFiles
from presage.adapters.s3.version_report_store import S3VersionReportStore
from presage.drift.use_cases import DriftPorts
from services.worker.settings import WorkerSettings


def build_drift_ports(settings: WorkerSettings) -> DriftPorts:
    """Return the real ports. Nothing is connected yet."""
    s3 = build_client("s3")
    return DriftPorts(
        log=DynamoPredictionLog(settings.prediction_table, Overflow(settings.lake_bucket, s3)),
        files=S3TrainingFiles(settings.lake_bucket, settings.artifacts_bucket, s3),
        reports=S3VersionReportStore(settings.lake_bucket, s3, folder="drift"),
    )
