"""Datasets in MySQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, select

from presage.adapters.sql.database import find_row, insert_row, list_rows, table_of, unit_of_work
from presage.adapters.sql.tables import DatasetRow
from presage.errors import NotFoundError
from presage.features.dataset import Dataset


class SqlDatasetStore:
    """`DatasetStore` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create_dataset(self, dataset: Dataset) -> None:
        """Add it, or raise `AlreadyExistsError` when the workspace has one of that name."""
        with unit_of_work(self._engine, duplicate=f"A dataset named {dataset.name!r}") as session:
            insert_row(session, DatasetRow, dataset)

    def get_dataset(self, workspace_id: str, dataset_id: str) -> Dataset:
        """Return it, or raise `NotFoundError`."""
        statement = select(table_of(DatasetRow)).where(DatasetRow.workspace_id == workspace_id, DatasetRow.dataset_id == dataset_id)
        with unit_of_work(self._engine) as session:
            dataset = find_row(session, statement, Dataset)
        if dataset is None:
            raise NotFoundError(f"There is no dataset {dataset_id}")
        return dataset

    def find_dataset_by_name(self, workspace_id: str, name: str) -> Dataset | None:
        """Return the dataset of that name, or None."""
        statement = select(table_of(DatasetRow)).where(DatasetRow.workspace_id == workspace_id, DatasetRow.name == name)
        with unit_of_work(self._engine) as session:
            return find_row(session, statement, Dataset)

    def list_datasets(self, workspace_id: str, *, after: str = "", limit: int = 50) -> Sequence[Dataset]:
        """Return a page in the order of `dataset_id`, starting behind `after`."""
        statement = (
            select(table_of(DatasetRow))
            .where(DatasetRow.workspace_id == workspace_id, DatasetRow.dataset_id > after)
            .order_by(DatasetRow.dataset_id)
            .limit(limit)
        )
        with unit_of_work(self._engine) as session:
            return list_rows(session, statement, Dataset)
