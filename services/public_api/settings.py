"""Settings of the public API, read once from `PRESAGE_*` variables."""

from __future__ import annotations

from presage.runtime.settings import DatabaseSettings
from presage.tenancy.model import Plan
from presage.tenancy.rate_limit import RateLimit


class PublicApiSettings(DatabaseSettings, frozen=True):
    """What the public API needs to know of its surroundings. Nothing has a default: a missing variable stops the start."""

    lake_bucket: str
    artifacts_bucket: str
    prediction_table: str
    idempotency_table: str
    records_queue_url: str
    predictions_queue_url: str
    assignments_queue_url: str
    request_limits: dict[Plan, RateLimit]
    """What each usage plan allows a key, in every task; the gateway's own limits come first and hold over all tasks."""
    catalog_ttl_seconds: float
    """How old the cached metadata (keys, datasets, aliases, experiments) may get while the database answers."""
    cache_directory: str
    """The local disk: models and snapshots by their sha256, and in `journal/` the predictions that are not handed over yet."""
    snapshot_stale_seconds: float
    """An answer from feature values that are older, counted to the time that it is for, says that they are stale."""
    model_memory_bytes: int
    """How much memory the loaded versions of models may take in each process; their snapshots are mapped from the disk beside it."""
