"""`ApiKeyStore`: one suite over memory and MariaDB."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from presage.adapters.memory.api_key_store import MemoryApiKeyStore
from presage.adapters.sql.api_key_store import SqlApiKeyStore
from presage.errors import AlreadyExistsError, NotFoundError
from presage.tenancy.ports import ApiKeyStore
from tests.fixtures.metadata_rows import at, make_api_key


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest) -> ApiKeyStore:
    if request.param == "memory":
        return MemoryApiKeyStore()
    engine: Engine = request.getfixturevalue("engine")
    return SqlApiKeyStore(engine)


def test_keys_are_listed_newest_first_and_only_to_their_workspace(store: ApiKeyStore, workspace_id: str) -> None:
    older, newer, foreign = make_api_key(workspace_id), make_api_key(workspace_id, 1), make_api_key(f"{workspace_id}x", 2)
    for key in (older, newer, foreign):
        store.create_api_key(key)

    assert store.list_api_keys(workspace_id) == [newer, older]
    assert store.find_api_key(foreign.api_key_id) == foreign


def test_a_publishable_key_is_read_back_with_its_origins(store: ApiKeyStore, workspace_id: str) -> None:
    key = replace(make_api_key(workspace_id), kind="publishable", origins=("https://shop.example.com", "http://localhost:3000"))
    store.create_api_key(key)

    assert store.find_api_key(key.api_key_id) == key
    assert store.list_api_keys(workspace_id) == [key]


def test_pages_hold_every_key_once(store: ApiKeyStore, workspace_id: str) -> None:
    keys = [make_api_key(workspace_id, seconds) for seconds in (0, 1, 1, 2, 3)]
    for key in keys:
        store.create_api_key(key)

    first = store.list_api_keys(workspace_id, limit=3)
    rest = store.list_api_keys(workspace_id, before=first[-1].api_key_id, limit=3)

    assert (len(first), len(rest)) == (3, 2)
    assert sorted([*first, *rest], key=str) == sorted(keys, key=str)
    assert list(store.list_api_keys(workspace_id, before="unknown")) == []
    assert list(store.list_api_keys(f"{workspace_id}x", before=first[0].api_key_id)) == []


def test_a_key_belongs_to_one_workspace(store: ApiKeyStore, workspace_id: str) -> None:
    key = make_api_key(workspace_id)
    store.create_api_key(key)

    with pytest.raises(AlreadyExistsError):
        store.create_api_key(replace(key, workspace_id=f"{workspace_id}x"))


def test_a_revocation_keeps_its_first_time(store: ApiKeyStore, workspace_id: str) -> None:
    key = make_api_key(workspace_id)
    store.create_api_key(key)

    store.revoke_api_key(workspace_id, key.api_key_id, now=at(1))
    store.revoke_api_key(workspace_id, key.api_key_id, now=at(2))

    assert store.find_api_key(key.api_key_id) == replace(key, revoked_at=at(1))


def test_another_workspaces_key_cannot_be_revoked(store: ApiKeyStore, workspace_id: str) -> None:
    key = make_api_key(workspace_id)
    store.create_api_key(key)

    with pytest.raises(NotFoundError):
        store.revoke_api_key(f"{workspace_id}x", key.api_key_id, now=at(1))

    assert store.find_api_key(key.api_key_id) == key
    assert store.find_api_key("unknown") is None


def test_scopes_and_expiry_are_read_back_and_an_expiry_only_comes_nearer(store: ApiKeyStore, workspace_id: str) -> None:
    key = replace(make_api_key(workspace_id), scopes=("records.write",))
    store.create_api_key(key)

    seen = []
    for seconds in (20, 30, 10):
        store.limit_api_key(workspace_id, key.api_key_id, expires_at=at(seconds))
        seen.append(store.find_api_key(key.api_key_id))

    assert seen == [replace(key, expires_at=at(seconds)) for seconds in (20, 20, 10)]
    with pytest.raises(NotFoundError):
        store.limit_api_key(f"{workspace_id}x", key.api_key_id, expires_at=at(1))
    assert store.list_api_keys(workspace_id) == seen[-1:]
