"""Builds what predictions are served from, metadata and models: the third place here that knows the adapters."""

from __future__ import annotations

from pathlib import Path

from presage.adapters.client import build_client
from presage.adapters.s3.model_files import S3ModelFiles
from presage.adapters.sql.credentials import SecretCredentials
from presage.adapters.sql.database import build_engine
from presage.adapters.sql.serving_catalog import SqlServingCatalog
from presage.predictions.catalog import CatalogCache
from presage.predictions.loading import ScorerCache
from presage.predictions.warming import WarmingPorts
from services.public_api.settings import PublicApiSettings


def build(settings: PublicApiSettings, *, read_timeout_seconds: float) -> WarmingPorts:
    """Return the caches and their source; nothing is connected yet."""
    credentials = SecretCredentials(build_client("secretsmanager", read_timeout_seconds=read_timeout_seconds), settings.database_secret_arn)
    engine = build_engine(
        host=settings.database_host,
        port=settings.database_port,
        database=settings.database_name,
        credentials=credentials,
        statement_seconds=read_timeout_seconds,
    )
    files = S3ModelFiles(
        client=build_client("s3"),
        artifacts_bucket=settings.artifacts_bucket,
        lake_bucket=settings.lake_bucket,
        folder=Path(settings.cache_directory),
    )
    scorers = ScorerCache(files, memory_bytes=settings.model_memory_bytes, stale_after_seconds=settings.snapshot_stale_seconds)
    source = SqlServingCatalog(engine)
    return WarmingPorts(source, CatalogCache(source, ttl_seconds=settings.catalog_ttl_seconds, prepare=scorers.prepare), scorers)
