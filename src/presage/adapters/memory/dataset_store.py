"""Datasets in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from presage.adapters.memory.listing import MemoryListing
from presage.errors import AlreadyExistsError, ConflictError, NotFoundError
from presage.features.dataset import DATASET_LIST, Dataset
from presage.features.schema.evolution import build_first_schema
from presage.features.schema.model import SchemaVersion


class MemoryDatasetStore:
    """`DatasetStore` on a dictionary."""

    def __init__(self) -> None:
        """Start empty."""
        self._datasets: dict[tuple[str, str], Dataset] = {}
        self._schemas: dict[tuple[str, str], list[SchemaVersion]] = {}
        self.listing = MemoryListing(DATASET_LIST, self._of)

    def create_dataset(self, dataset: Dataset) -> None:
        """Add it, or raise `AlreadyExistsError` when the workspace has one of that name."""
        if self.find_dataset_by_name(dataset.workspace_id, dataset.name) is not None:
            raise AlreadyExistsError(f"dataset {dataset.name!r} exists")
        self._datasets[dataset.workspace_id, dataset.dataset_id] = dataset
        self._schemas[dataset.workspace_id, dataset.dataset_id] = [build_first_schema(dataset)]

    def get_dataset(self, workspace_id: str, dataset_id: str) -> Dataset:
        """Return it, or raise `NotFoundError`."""
        try:
            return self._datasets[workspace_id, dataset_id]
        except KeyError:
            raise NotFoundError(f"no dataset {dataset_id!r}") from None

    def find_dataset_by_name(self, workspace_id: str, name: str) -> Dataset | None:
        """Return the dataset of that name, or None."""
        return next((dataset for dataset in self._of(workspace_id) if dataset.name == name), None)

    def list_datasets(self, workspace_id: str, *, after: str = "", limit: int = 50) -> Sequence[Dataset]:
        """Return a page in the order of `dataset_id`, starting behind `after`."""
        return [dataset for dataset in self._of(workspace_id) if dataset.dataset_id > after][:limit]

    def evolve_dataset(self, schema: SchemaVersion) -> None:
        """Give the dataset these columns, or raise `ConflictError` if its schema is not the one before."""
        key = (schema.workspace_id, schema.dataset_id)
        dataset = self.get_dataset(*key)
        if dataset.schema_version != schema.schema_version - 1:
            raise ConflictError(f"the schema of dataset {schema.dataset_id} is {dataset.schema_version} by now")
        self._datasets[key] = replace(dataset, columns=schema.columns, schema_version=schema.schema_version)
        self._schemas[key].append(schema)

    def list_schemas(self, workspace_id: str, dataset_id: str) -> Sequence[SchemaVersion]:
        """Return the dataset's lineage of schemas, the oldest first."""
        return list(self._schemas.get((workspace_id, dataset_id), []))

    def _of(self, workspace_id: str) -> list[Dataset]:
        return sorted(
            (dataset for key, dataset in self._datasets.items() if key[0] == workspace_id), key=lambda dataset: dataset.dataset_id
        )
