"""The part of the composition root that brings the schemas up to date."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from presage.adapters.client import build_client
from presage.adapters.redshift import migrate as warehouse
from presage.adapters.redshift.data_api import DataApi, Warehousing
from presage.adapters.sql import migrate as metadata
from presage.adapters.sql.credentials import SecretCredentials
from presage.adapters.sql.database import build_engine
from presage.runtime.observability import configure_logging
from services.backend.settings import BackendSettings

WAREHOUSE_LOCK = "presage_migrate_warehouse"


def build_migrations(settings: BackendSettings) -> Callable[[], Sequence[str]]:
    """Return what migrates the database, then the warehouse, and returns the warehouse's files that were applied.

    Instances that start together take turns: the warehouse has no lock of its own, so the database's is held.
    """
    configure_logging(service="backend", stage=settings.stage)
    engine = build_engine(
        host=settings.database_host,
        port=settings.database_port,
        database=settings.database_name,
        credentials=SecretCredentials(build_client("secretsmanager"), settings.database_secret_arn),
        pool_size=2,
    )
    data_api = DataApi(build_client("redshift-data"), Warehousing(settings.redshift_workgroup, settings.redshift_database))

    def migrate() -> Sequence[str]:
        metadata.migrate(engine)
        with metadata.hold_lock(engine, WAREHOUSE_LOCK):
            return warehouse.migrate(data_api)

    return migrate
