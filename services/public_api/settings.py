"""Settings of the public API, read once from `PRESAGE_*` variables."""

from __future__ import annotations

from typing import Literal

import msgspec


class DatabaseCredentials(msgspec.Struct, frozen=True):
    """The JSON secret that holds the database's user."""

    username: str
    password: str


class PublicApiSettings(msgspec.Struct, frozen=True):
    """What the public API needs to know of its surroundings. Nothing has a default: a missing variable stops the start."""

    stage: Literal["local", "staging", "production"]
    lake_bucket: str
    artifacts_bucket: str
    prediction_table: str
    records_queue_url: str
    assignments_queue_url: str
    database_host: str
    database_port: int
    database_name: str
    database_credentials: DatabaseCredentials
    catalog_ttl_seconds: float
    """How old the cached metadata (keys, datasets, aliases, experiments) may get while the database answers."""
    cache_directory: str
    """Where models and snapshots are kept on the local disk, by their sha256."""
