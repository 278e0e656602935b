"""Puts together what an analysis of an experiment works on."""

from __future__ import annotations

from presage.adapters.client import build_client
from presage.adapters.redshift.data_api import DataApi, Warehousing
from presage.adapters.redshift.ledger import RedshiftLedger
from presage.adapters.redshift.warehouse import RedshiftWarehouse, Staging
from presage.adapters.s3.certificate_store import S3CertificateStore
from presage.adapters.s3.feature_set_store import S3FeatureSetStore
from presage.adapters.sql.stores import SqlStores
from presage.experiments.use_cases import AnalysisPorts
from services.worker.settings import WorkerSettings


def build_analysis_ports(settings: WorkerSettings, sql: SqlStores, lake: S3FeatureSetStore) -> AnalysisPorts:
    """Return the real ports. Nothing is connected yet."""
    s3 = build_client("s3")
    data_api = DataApi(build_client("redshift-data"), Warehousing(settings.redshift_workgroup, settings.redshift_database))
    return AnalysisPorts(
        store=sql.experiments,
        events=sql.experiment_events,
        warehouse=RedshiftWarehouse(data_api, s3, Staging(settings.lake_bucket, settings.redshift_copy_role_arn)),
        ledger=RedshiftLedger(data_api),
        feature_sets=lake,
        datasets=sql.datasets,
        traffic=sql.traffic,
        certificates=S3CertificateStore(settings.lake_bucket, s3),
    )
