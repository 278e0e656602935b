"""Datasets in MySQL."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Engine, select, update

from presage.adapters.sql.database import find_row, insert_row, list_rows, table_of, unit_of_work
from presage.adapters.sql.listing import SqlListing
from presage.adapters.sql.tables import DatasetRow, DatasetSchemaRow
from presage.errors import ConflictError, NotFoundError
from presage.features.dataset import DATASET_LIST, Dataset
from presage.features.schema.evolution import build_first_schema
from presage.features.schema.model import SchemaVersion


class SqlDatasetStore:
    """`DatasetStore` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.listing = SqlListing(engine, DatasetRow, Dataset, DATASET_LIST)

    def create_dataset(self, dataset: Dataset) -> None:
        """Add it, or raise `AlreadyExistsError` when the workspace has one of that name."""
        with unit_of_work(self._engine, duplicate=f"A dataset named {dataset.name!r}") as session:
            insert_row(session, DatasetRow, dataset)
            insert_row(session, DatasetSchemaRow, build_first_schema(dataset))

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

    def evolve_dataset(self, schema: SchemaVersion) -> None:
        """Give the dataset these columns and note them in its lineage, in one transaction, or raise `ConflictError`."""
        change = (
            update(table_of(DatasetRow))
            .where(
                DatasetRow.workspace_id == schema.workspace_id,
                DatasetRow.dataset_id == schema.dataset_id,
                DatasetRow.schema_version == schema.schema_version - 1,
            )
            .values(columns=msgspec.to_builtins(schema.columns), schema_version=schema.schema_version)
        )
        with unit_of_work(self._engine) as session:
            if session.connection().execute(change).rowcount != 1:
                raise ConflictError(f"the schema of dataset {schema.dataset_id} is not {schema.schema_version - 1} any more")
            insert_row(session, DatasetSchemaRow, schema)

    def list_schemas(self, workspace_id: str, dataset_id: str) -> Sequence[SchemaVersion]:
        """Return the dataset's lineage of schemas, the oldest first."""
        statement = (
            select(table_of(DatasetSchemaRow))
            .where(DatasetSchemaRow.workspace_id == workspace_id, DatasetSchemaRow.dataset_id == dataset_id)
            .order_by(DatasetSchemaRow.schema_version)
        )
        with unit_of_work(self._engine) as session:
            return list_rows(session, statement, SchemaVersion)

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
