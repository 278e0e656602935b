"""Puts together what imports read from and write to."""

from __future__ import annotations

from functools import partial
from ipaddress import ip_network

from presage.adapters.amplitude.exports import HttpAmplitudeExports
from presage.adapters.client import build_client
from presage.adapters.s3.feature_set_store import S3FeatureSetStore
from presage.adapters.s3.import_files import S3ImportFiles
from presage.adapters.s3.quarantine_store import S3QuarantineStore
from presage.adapters.secretsmanager.credential_store import SecretCredentialStore
from presage.adapters.sql.stores import SqlStores
from presage.adapters.sqlite.seen_ids import open_seen_ids
from presage.adapters.warehouses.addresses import find_place
from presage.adapters.warehouses.customer_warehouse import SqlCustomerWarehouse
from presage.features.sources.ports import ImportPorts
from services.worker.imports import ImportSources
from services.worker.settings import WorkerSettings


def build_import_sources(settings: WorkerSettings, sql: SqlStores, lake: S3FeatureSetStore) -> ImportSources:
    """Return the real ports. Nothing is connected yet."""
    place = partial(find_place, networks=[ip_network(network) for network in settings.warehouse_networks])
    return ImportSources(
        sql.datasets,
        ImportPorts(lake, lake, open_seen_ids),
        S3ImportFiles(settings.lake_bucket, build_client("s3")),
        SecretCredentialStore(build_client("secretsmanager"), stage=settings.stage),
        lambda region, keys: HttpAmplitudeExports(settings.amplitude_urls[region], keys),
        S3QuarantineStore(settings.lake_bucket, build_client("s3")),
        lambda kind, login, request: SqlCustomerWarehouse(kind, login, request, find_place=place),
    )
