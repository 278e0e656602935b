"""`DatasetStore`: one suite over memory and MariaDB."""

import pytest
from sqlalchemy import Engine

from presage.adapters.memory.dataset_store import MemoryDatasetStore
from presage.adapters.sql.dataset_store import SqlDatasetStore
from presage.errors import AlreadyExistsError, ConflictError, NotFoundError
from presage.features.dataset import Column
from presage.features.ports import DatasetStore
from presage.features.schema.evolution import add_columns
from presage.features.schema.model import SchemaVersion
from tests.fixtures.metadata_rows import NOW, make_dataset


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest) -> DatasetStore:
    if request.param == "memory":
        return MemoryDatasetStore()
    engine: Engine = request.getfixturevalue("engine")
    return SqlDatasetStore(engine)


def test_a_dataset_is_read_back_as_it_was(store: DatasetStore, workspace_id: str) -> None:
    dataset = make_dataset(workspace_id)

    store.create_dataset(dataset)

    assert store.get_dataset(workspace_id, dataset.dataset_id) == dataset
    assert store.find_dataset_by_name(workspace_id, "orders") == dataset


def test_a_name_is_taken_once_in_a_workspace(store: DatasetStore, workspace_id: str) -> None:
    store.create_dataset(make_dataset(workspace_id))

    store.create_dataset(make_dataset(f"{workspace_id}x"))
    store.create_dataset(make_dataset(workspace_id, "Orders"))
    with pytest.raises(AlreadyExistsError, match="orders"):
        store.create_dataset(make_dataset(workspace_id))


def test_another_workspaces_dataset_does_not_exist(store: DatasetStore, workspace_id: str) -> None:
    dataset = make_dataset(workspace_id)
    store.create_dataset(dataset)

    with pytest.raises(NotFoundError):
        store.get_dataset(f"{workspace_id}x", dataset.dataset_id)
    assert store.find_dataset_by_name(f"{workspace_id}x", dataset.name) is None
    assert store.list_datasets(f"{workspace_id}x") == []


def test_pages_follow_each_other_in_the_order_of_ids(store: DatasetStore, workspace_id: str) -> None:
    datasets = sorted((make_dataset(workspace_id, f"d{number}") for number in range(5)), key=lambda dataset: dataset.dataset_id)
    for dataset in reversed(datasets):
        store.create_dataset(dataset)

    first = store.list_datasets(workspace_id, limit=3)
    second = store.list_datasets(workspace_id, after=first[-1].dataset_id, limit=3)

    assert [*first, *second] == datasets


def test_a_schema_goes_on_by_one_and_all_are_kept(store: DatasetStore, workspace_id: str) -> None:
    dataset, colour = make_dataset(workspace_id), Column("colour", "string")
    store.create_dataset(dataset)

    evolved = add_columns(dataset, [colour], cause="job_1", now=NOW, datasets=store)
    with pytest.raises(ConflictError):
        add_columns(dataset, [Column("size", "number")], cause="job_2", now=NOW, datasets=store)

    assert (evolved.columns, evolved.schema_version) == ((*dataset.columns, colour), 2)
    assert store.get_dataset(workspace_id, dataset.dataset_id) == evolved
    assert store.list_schemas(workspace_id, dataset.dataset_id) == [
        SchemaVersion(workspace_id, dataset.dataset_id, 1, dataset.columns, dataset.columns, "declared", dataset.created_at),
        SchemaVersion(workspace_id, dataset.dataset_id, 2, evolved.columns, (colour,), "job_1", NOW),
    ]
    assert store.list_schemas(f"{workspace_id}x", dataset.dataset_id) == []
