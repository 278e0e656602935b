"""How a dataset's schema goes on: by columns that are added, one version after the other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from presage.features.dataset import Column, Dataset
from presage.features.ports import DatasetStore
from presage.features.schema.model import SchemaVersion
from presage.features.use_cases import check_columns

DECLARED = "declared"


def build_first_schema(dataset: Dataset) -> SchemaVersion:
    """Return the beginning of the lineage: what the dataset was created with."""
    return SchemaVersion(
        dataset.workspace_id, dataset.dataset_id, dataset.schema_version, dataset.columns, dataset.columns, DECLARED, dataset.created_at
    )


def add_columns(dataset: Dataset, columns: Sequence[Column], *, cause: str, now: datetime, datasets: DatasetStore) -> Dataset:
    """Return the dataset with these columns behind its own; the same as it was if there are none.

    Raises:
        ConflictError: Its schema changed meanwhile; compare again.
        InvalidInputError: As for `check_columns`.
    """
    if not columns:
        return dataset
    together = (*dataset.columns, *columns)
    check_columns(together)
    number = dataset.schema_version + 1
    datasets.evolve_dataset(SchemaVersion(dataset.workspace_id, dataset.dataset_id, number, together, tuple(columns), cause, now))
    return datasets.get_dataset(dataset.workspace_id, dataset.dataset_id)
