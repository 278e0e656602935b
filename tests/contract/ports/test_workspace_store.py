"""`WorkspaceStore`: one suite over memory and MariaDB."""

import pytest
from sqlalchemy import Engine

from presage.adapters.memory.workspace_store import MemoryWorkspaceStore
from presage.adapters.sql.workspace_store import SqlWorkspaceStore
from presage.errors import AlreadyExistsError, NotFoundError
from presage.tenancy.ports import WorkspaceStore
from tests.fixtures.metadata_rows import make_user, make_workspace


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest) -> WorkspaceStore:
    if request.param == "memory":
        return MemoryWorkspaceStore()
    engine: Engine = request.getfixturevalue("engine")
    return SqlWorkspaceStore(engine)


def test_a_workspace_and_its_owner_are_read_back_as_they_were(store: WorkspaceStore, workspace_id: str) -> None:
    workspace, owner = make_workspace(workspace_id), make_user(workspace_id)

    store.create_workspace(workspace, owner)

    assert store.get_workspace(workspace_id) == workspace
    assert store.find_user_by_token(owner.token_sha256) == owner


def test_a_workspace_whose_owner_cannot_be_added_is_not_added(store: WorkspaceStore, workspace_id: str) -> None:
    owner = make_user("ws_other")
    store.create_user(owner)

    with pytest.raises(AlreadyExistsError):
        store.create_workspace(make_workspace(workspace_id), owner)

    with pytest.raises(NotFoundError):
        store.get_workspace(workspace_id)


def test_an_email_is_taken_once_in_a_workspace_and_free_in_another(store: WorkspaceStore, workspace_id: str) -> None:
    store.create_user(make_user(workspace_id))
    elsewhere = make_user(f"{workspace_id}x")

    store.create_user(elsewhere)
    with pytest.raises(AlreadyExistsError, match=r"ann@example\.com"):
        store.create_user(make_user(workspace_id))

    assert store.find_user_by_token(elsewhere.token_sha256) == elsewhere


def test_an_unknown_token_is_nobodys(store: WorkspaceStore) -> None:
    assert store.find_user_by_token("0" * 64) is None


def test_an_unknown_workspace_is_not_found(store: WorkspaceStore) -> None:
    with pytest.raises(NotFoundError):
        store.get_workspace("ws_nowhere")
