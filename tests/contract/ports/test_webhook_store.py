"""`WebhookStore`: one suite over memory and MariaDB."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from presage.adapters.memory.webhook_store import MemoryWebhookStore
from presage.adapters.sql.webhook_store import SqlWebhookStore
from presage.errors import AlreadyExistsError, NotFoundError
from presage.notifications.ports import WebhookStore
from tests.fixtures.metadata_rows import at
from tests.fixtures.notified import make_endpoint


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest) -> WebhookStore:
    if request.param == "memory":
        return MemoryWebhookStore()
    engine: Engine = request.getfixturevalue("engine")
    return SqlWebhookStore(engine)


def test_an_endpoint_is_read_back_as_it_was_and_created_once(store: WebhookStore, workspace_id: str) -> None:
    first = make_endpoint(workspace_id, events=("*.failed", "build_model.*"))
    second = replace(make_endpoint(workspace_id), created_at=at(1))
    for endpoint in (second, first):
        store.create_endpoint(endpoint)

    assert store.get_endpoint(workspace_id, first.endpoint_id) == first
    assert store.list_endpoints(workspace_id) == [first, second]
    assert store.list_endpoints(f"{workspace_id}x") == []
    with pytest.raises(AlreadyExistsError):
        store.create_endpoint(replace(first, url="https://other.example/"))
    with pytest.raises(NotFoundError):
        store.get_endpoint(f"{workspace_id}x", first.endpoint_id)


def test_changes_at_the_same_time_all_count(store: WebhookStore, workspace_id: str) -> None:
    endpoint = make_endpoint(workspace_id)
    store.create_endpoint(endpoint)

    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda _: store.change_endpoint(workspace_id, endpoint.endpoint_id, lambda each: replace(each, failures=each.failures + 1)),
                range(16),
            )
        )
    assert store.get_endpoint(workspace_id, endpoint.endpoint_id).failures == 16


def test_every_part_that_may_change_is_kept(store: WebhookStore, workspace_id: str) -> None:
    endpoint = make_endpoint(workspace_id)
    store.create_endpoint(endpoint)
    wanted = replace(
        endpoint,
        url="https://other.example/",
        events=("*.failed",),
        state="disabled",
        reason="it failed",
        secret_id="sec_2",
        previous_secret_id=endpoint.secret_id,
        previous_until=at(60),
        failures=3,
        failing_since=at(5),
    )
    assert store.change_endpoint(workspace_id, endpoint.endpoint_id, lambda _: wanted) == wanted
    assert store.get_endpoint(workspace_id, endpoint.endpoint_id) == wanted


def test_a_forgotten_one_is_gone_and_cannot_be_changed(store: WebhookStore, workspace_id: str) -> None:
    endpoint = make_endpoint(workspace_id)
    store.create_endpoint(endpoint)
    store.delete_endpoint(f"{workspace_id}x", endpoint.endpoint_id)
    assert store.list_endpoints(workspace_id) == [endpoint]

    for _ in range(2):
        store.delete_endpoint(workspace_id, endpoint.endpoint_id)

    with pytest.raises(NotFoundError):
        store.change_endpoint(workspace_id, endpoint.endpoint_id, lambda each: each)
