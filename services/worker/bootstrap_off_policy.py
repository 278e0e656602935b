"""Puts together what judging a version by the log works on."""

from __future__ import annotations

from pathlib import Path

from presage.adapters.client import build_client
from presage.adapters.dynamo.overflow import Overflow
from presage.adapters.dynamo.prediction_log import DynamoPredictionLog
from presage.adapters.s3.feature_set_store import S3FeatureSetStore
from presage.adapters.s3.model_files import S3ModelFiles
from presage.adapters.s3.version_report_store import S3VersionReportStore
from presage.adapters.sql.stores import SqlStores
from presage.off_policy.use_cases import OffPolicyPorts
from presage.predictions.loading import ScorerCache
from services.worker.settings import WorkerSettings

MAX_CACHE_BYTES = 2 << 30
"""Of a worker's disk; a snapshot is read again from the lake when it has gone."""


def build_off_policy_ports(settings: WorkerSettings, sql: SqlStores, lake: S3FeatureSetStore) -> OffPolicyPorts:
    """Return the real ports. Nothing is connected yet."""
    s3 = build_client("s3")
    files = S3ModelFiles(
        client=s3,
        artifacts_bucket=settings.artifacts_bucket,
        lake_bucket=settings.lake_bucket,
        folder=Path(settings.cache_directory),
        max_folder_bytes=MAX_CACHE_BYTES,
    )
    return OffPolicyPorts(
        log=DynamoPredictionLog(settings.prediction_table, Overflow(settings.lake_bucket, s3)),
        versions=sql.versions,
        snapshots=sql.snapshots,
        scorers=ScorerCache(files),
        datasets=sql.datasets,
        feature_sets=lake,
        estimates=S3VersionReportStore(settings.lake_bucket, s3, folder="off_policy"),
    )
