"""Datasets in memory."""

from __future__ import annotations

from collections.abc import Sequence

from presage.errors import AlreadyExistsError, NotFoundError
from presage.features.dataset import Dataset


class MemoryDatasetStore:
    """`DatasetStore` on a dictionary."""

    def __init__(self) -> None:
        """Start empty."""
        self._datasets: dict[tuple[str, str], Dataset] = {}

    def create_dataset(self, dataset: Dataset) -> None:
        """Add it, or raise `AlreadyExistsError` when the workspace has one of that name."""
        if self.find_dataset_by_name(dataset.workspace_id, dataset.name) is not None:
            raise AlreadyExistsError(f"dataset {dataset.name!r} exists")
        self._datasets[dataset.workspace_id, dataset.dataset_id] = dataset

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

    def _of(self, workspace_id: str) -> list[Dataset]:
        return sorted(
            (dataset for key, dataset in self._datasets.items() if key[0] == workspace_id), key=lambda dataset: dataset.dataset_id
        )
