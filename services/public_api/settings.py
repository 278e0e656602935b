"""Settings of the public API, read once from `PRESAGE_*` variables."""

from __future__ import annotations

from presage.runtime.settings import DatabaseSettings


class PublicApiSettings(DatabaseSettings, frozen=True):
    """What the public API needs to know of its surroundings. Nothing has a default: a missing variable stops the start."""

    lake_bucket: str
    artifacts_bucket: str
    prediction_table: str
    records_queue_url: str
    assignments_queue_url: str
    catalog_ttl_seconds: float
    """How old the cached metadata (keys, datasets, aliases, experiments) may get while the database answers."""
    cache_directory: str
    """Where models and snapshots are kept on the local disk, by their sha256."""
    model_memory_bytes: int
    """How much memory the loaded versions of models may take in each process; their snapshots are mapped from the disk beside it."""
