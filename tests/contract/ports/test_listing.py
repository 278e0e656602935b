"""`Listing`: one suite over memory and MariaDB."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from presage.adapters.memory.dataset_store import MemoryDatasetStore
from presage.adapters.memory.job_store import MemoryJobStore
from presage.adapters.sql.api_key_store import SqlApiKeyStore
from presage.adapters.sql.dataset_store import SqlDatasetStore
from presage.adapters.sql.experiment_store import SqlExperimentStore
from presage.adapters.sql.job_store import SqlJobStore
from presage.adapters.sql.member_store import SqlMemberStore
from presage.adapters.sql.model_registry import SqlModelRegistry
from presage.adapters.sql.notification_store import SqlNotificationStore
from presage.errors import InvalidInputError
from presage.experiments.model import EXPERIMENT_LIST
from presage.features.dataset import Dataset
from presage.jobs.model import Job, JobState
from presage.listing import Listing, ListQuery
from tests.fixtures.metadata_rows import NOW, make_dataset, make_experiment, make_job, make_model

Put = Callable[[Dataset], None]


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def datasets(request: pytest.FixtureRequest) -> tuple[Listing[Dataset], Put]:
    if request.param == "memory":
        memory = MemoryDatasetStore()
        return memory.listing, memory.create_dataset
    store = SqlDatasetStore(request.getfixturevalue("engine"))
    return store.listing, store.create_dataset


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def jobs(request: pytest.FixtureRequest) -> tuple[Listing[Job], Callable[[Job], None]]:
    if request.param == "memory":
        memory = MemoryJobStore()
        return memory.listing, memory.create_job
    store = SqlJobStore(request.getfixturevalue("engine"))
    return store.listing, store.create_job


def fill(put: Put, workspace_id: str) -> list[Dataset]:
    names = ["orders", "visits", "Orders_2", "returns"]
    made = [
        replace(make_dataset(workspace_id, name), created_at=NOW + timedelta(hours=hour), entity="customer" if hour % 2 else "shop")
        for hour, name in enumerate(names)
    ]
    for dataset in made:
        put(dataset)
    put(make_dataset(f"{workspace_id}x"))
    return made


def read_all(listing: Listing[Dataset], workspace_id: str, query: ListQuery) -> list[str]:
    names: list[str] = []
    while True:
        page = listing.search(workspace_id, query)
        assert len(page.items) <= query.limit
        names += [item.name for item in page.items]
        if page.next is None:
            return names
        query = replace(query, after=page.next)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (ListQuery("created_at"), ["orders", "visits", "Orders_2", "returns"]),
        (ListQuery("created_at", descending=True), ["returns", "Orders_2", "visits", "orders"]),
        (ListQuery("name"), ["Orders_2", "orders", "returns", "visits"]),
        (ListQuery("name", text="oRDers"), ["Orders_2", "orders"]),
        (ListQuery("name", text="shop"), ["Orders_2", "orders"]),
        (ListQuery("name", text="r_e"), []),
        (ListQuery("name", text="%"), []),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 50])
def test_a_list_is_sorted_searched_and_read_page_by_page(
    datasets: tuple[Listing[Dataset], Put], workspace_id: str, query: ListQuery, expected: list[str], limit: int
) -> None:
    listing, put = datasets
    fill(put, workspace_id)

    assert read_all(listing, workspace_id, replace(query, limit=limit)) == expected


@pytest.mark.parametrize("descending", [False, True])
def test_rows_alike_in_the_sorted_column_come_once_each(
    datasets: tuple[Listing[Dataset], Put], workspace_id: str, *, descending: bool
) -> None:
    listing, put = datasets
    made = fill(put, workspace_id)

    found = read_all(listing, workspace_id, ListQuery("entity", descending=descending, limit=1))

    order = sorted(made, key=lambda each: (each.entity, each.dataset_id), reverse=descending)
    assert found == [each.name for each in order]


def test_what_is_added_meanwhile_moves_no_page(datasets: tuple[Listing[Dataset], Put], workspace_id: str) -> None:
    listing, put = datasets
    fill(put, workspace_id)
    query = ListQuery("created_at", descending=True, limit=2)
    first = listing.search(workspace_id, query)
    put(replace(make_dataset(workspace_id, "new"), created_at=NOW + timedelta(days=1)))

    second = listing.search(workspace_id, replace(query, after=first.next))

    assert [item.name for item in [*first.items, *second.items]] == ["returns", "Orders_2", "visits", "orders"]


def test_filters_are_exact(jobs: tuple[Listing[Job], Callable[[Job], None]], workspace_id: str) -> None:
    listing, put = jobs
    states: tuple[JobState, ...] = ("failed", "failed", "succeeded")
    for number, state in enumerate(states):
        put(replace(make_job(workspace_id, number), state=state))

    found = listing.search(workspace_id, ListQuery("created_at", filters={"state": "failed"}))

    assert [job.created_at for job in found.items] == [NOW, NOW + timedelta(seconds=1)]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        (ListQuery("columns"), "?sort"),
        (ListQuery("name", filters={"workspace_id": "x"}), "?workspace_id"),
        (ListQuery("name", text="x" * 201), "?q"),
        (ListQuery("name", after="nonsense"), "?after"),
        (ListQuery("name", after="é"), "?after"),
        (ListQuery("name", after="WyJjcmVhdGVkX2F0IiwieCIsbnVsbCwieSJd"), "?after"),
        (ListQuery("created_at", after="WyJjcmVhdGVkX2F0IiwieCIsbnVsbCwieSJd"), "?after"),
    ],
)
def test_what_a_list_has_not_is_refused(datasets: tuple[Listing[Dataset], Put], workspace_id: str, query: ListQuery, path: str) -> None:
    listing, put = datasets
    fill(put, workspace_id)

    with pytest.raises(InvalidInputError) as caught:
        listing.search(workspace_id, query)

    assert caught.value.path == path


@pytest.mark.integration
@pytest.mark.parametrize("rows", [1, 60])
def test_a_page_is_one_statement_however_many_rows_it_has(engine: Engine, workspace_id: str, rows: int) -> None:
    store, asked = SqlJobStore(engine), []
    for number in range(rows):
        store.create_job(make_job(workspace_id, number))
    event.listen(engine, "before_cursor_execute", lambda *facts: asked.append(facts[2]))

    store.listing.search(workspace_id, ListQuery("created_at", limit=50))

    assert len([statement for statement in asked if statement.startswith("SELECT jobs")]) == 1


@pytest.mark.integration
def test_every_sort_and_filter_that_a_list_offers_is_a_column(engine: Engine, workspace_id: str) -> None:
    SqlExperimentStore(engine).create_experiment(make_experiment(workspace_id))
    SqlModelRegistry(engine).create_model(make_model(workspace_id))
    stores = (SqlExperimentStore, SqlModelRegistry, SqlNotificationStore, SqlMemberStore, SqlApiKeyStore, SqlJobStore, SqlDatasetStore)
    for store in stores:
        listing = store(engine).listing
        for sort in listing.shape.sorts:
            for narrowed in ({}, {"text": "a"} if listing.shape.searched else {}, {"filters": dict.fromkeys(listing.shape.filters, "x")}):
                listing.search(workspace_id, ListQuery(sort, **narrowed))
    assert SqlExperimentStore(engine).listing.search(workspace_id, ListQuery(EXPERIMENT_LIST.sorts[0])).items
