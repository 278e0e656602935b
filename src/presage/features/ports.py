"""What the feature contexts need from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Protocol

from presage.features.dataset import Dataset
from presage.features.messages import BatchMessage
from presage.features.records import FeatureSetVersion, IdSegment, Part, Record, RecordBatch
from presage.features.schema.model import SchemaVersion

if TYPE_CHECKING:
    import polars as pl


class DatasetStore(Protocol):
    """Datasets of all workspaces (MySQL)."""

    def create_dataset(self, dataset: Dataset) -> None:
        """Add it, or raise `AlreadyExistsError` when the workspace has one of that name."""

    def get_dataset(self, workspace_id: str, dataset_id: str) -> Dataset:
        """Return it, or raise `NotFoundError`."""

    def find_dataset_by_name(self, workspace_id: str, name: str) -> Dataset | None:
        """Return the dataset of that name, or None."""

    def list_datasets(self, workspace_id: str, *, after: str = "", limit: int = 50) -> Sequence[Dataset]:
        """Return a page in the order of `dataset_id`, starting behind `after`."""

    def evolve_dataset(self, schema: SchemaVersion) -> None:
        """Give the dataset these columns and note them in its lineage, or raise `ConflictError` if its schema is not the one before."""

    def list_schemas(self, workspace_id: str, dataset_id: str) -> Sequence[SchemaVersion]:
        """Return the dataset's lineage of schemas, the oldest first; the first is what it was created with."""


class RecordQueue(Protocol):
    """The way from the public API to the lake (SQS)."""

    def publish_batch(self, message: BatchMessage) -> None:
        """Return once the batch is durable, or raise `UnavailableError`."""


class RecordMessages(Protocol):
    """The other end of the record queue."""

    def read_batch(self, body: str) -> RecordBatch:
        """Return the batch that a message carries or points to.

        Raises `InvalidInputError` for what is no message, `NotFoundError` when the batch it points to is gone.
        """


class FeatureSetStore(Protocol):
    """Parts, versions and profiles in the lake (S3)."""

    def put_part(self, dataset: Dataset, batch_id: str, month: str, records: Sequence[Record]) -> Part:
        """Write one parquet part. Idempotency: a part is written once; the same batch and month again return what is there."""

    def find_version(self, workspace_id: str, dataset_id: str, version: int | None = None) -> FeatureSetVersion | None:
        """Return that version, or the newest one for None; None when there is none."""

    def create_version(self, version: FeatureSetVersion) -> None:
        """Write the manifest, or raise `AlreadyExistsError` when that number was taken (the caller reads on and retries)."""

    def read_frame(self, version: FeatureSetVersion) -> pl.DataFrame:
        """Return all rows, one per record_id (the earliest known), after checking every part's sha256."""

    def put_profile(self, version: FeatureSetVersion, *, sample: bytes, summary: Mapping[str, object]) -> None:
        """Write `sample.ndjson` and `summary.json` of that version."""

    def find_profile(self, workspace_id: str, dataset_id: str, version: int) -> tuple[bytes, Mapping[str, object]] | None:
        """Return (sample, summary), or None while the profile is not there yet."""


class ProfileStore(Protocol):
    """What profiles are made of, and where they go (S3)."""

    def find_version(self, workspace_id: str, dataset_id: str, version: int | None = None) -> FeatureSetVersion | None:
        """Return that version, or the newest one for None; None when there is none."""

    def read_part(self, part: Part) -> bytes:
        """Return a part's parquet bytes, or raise `CorruptArtifactError` when they are not what the manifest says."""

    def put_profile(self, version: FeatureSetVersion, *, sample: bytes, summary: Mapping[str, object]) -> None:
        """Write `sample.ndjson` and `summary.json` of that version."""


class LandedIds(Protocol):
    """Segments of the ids of records that landed (S3). A version's manifest says which of them count."""

    def find_landed(self, segments: Sequence[IdSegment], record_ids: Sequence[str]) -> set[str]:
        """Return those of the ids that are in one of the segments, after checking each one's sha256."""

    def put_segment(self, dataset: Dataset, day: date, record_ids: Sequence[str], *, merged: Sequence[IdSegment] = ()) -> IdSegment:
        """Write a segment of these ids and of all in `merged`. Idempotency: the same ids are the same object."""


class UploadStore(Protocol):
    """Files that users upload to the lake themselves, past our services (S3)."""

    def create_upload_url(self, key: str) -> str:
        """Return a URL that takes one PUT of that object for an hour."""

    def find_upload_size(self, key: str) -> int | None:
        """Return how many bytes were uploaded, or None while there is no such object."""
