"""Composition root of load_assignments."""

from lambdas.load_assignments.settings import Settings
from presage.adapters.client import build_client
from presage.adapters.redshift.data_api import DataApi, Warehousing
from presage.adapters.redshift.warehouse import RedshiftWarehouse, Staging
from presage.experiments.ports import Warehouse

STATEMENT_SECONDS = 60.0
"""Less than the function may run, so that a slow statement is cancelled and reported, not cut off unheard."""


def build_warehouse(settings: Settings) -> Warehouse:
    """Return the adapter that runs on AWS."""
    target = Warehousing(settings.redshift_workgroup, settings.redshift_database, timeout_seconds=STATEMENT_SECONDS)
    staging = Staging(settings.lake_bucket, settings.redshift_copy_role_arn)
    return RedshiftWarehouse(DataApi(build_client("redshift-data"), target), build_client("s3"), staging)
