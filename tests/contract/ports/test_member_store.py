"""`MemberStore`: one suite over memory and MariaDB."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import Engine

from presage.adapters.memory.workspace_store import MemoryWorkspaceStore
from presage.adapters.sql.member_store import SqlMemberStore
from presage.adapters.sql.workspace_store import SqlWorkspaceStore
from presage.errors import AlreadyExistsError, ConflictError, NotFoundError
from presage.tenancy.model import User
from presage.tenancy.ports import MemberStore, WorkspaceStore
from tests.fixtures.metadata_rows import make_user, make_workspace


@dataclass
class Place:
    workspaces: WorkspaceStore
    members: MemberStore
    owner: User

    def add(self, email: str) -> User:
        user = make_user(self.owner.workspace_id, email)
        self.workspaces.create_user(user)
        return user


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def place(request: pytest.FixtureRequest, workspace_id: str) -> Place:
    owner = make_user(workspace_id)
    if request.param == "memory":
        store = MemoryWorkspaceStore()
        store.create_workspace(make_workspace(workspace_id), owner)
        return Place(store, store, owner)
    engine: Engine = request.getfixturevalue("engine")
    workspaces = SqlWorkspaceStore(engine)
    workspaces.create_workspace(make_workspace(workspace_id), owner)
    return Place(workspaces, SqlMemberStore(engine), owner)


def test_pages_hold_every_user_of_the_workspace_once(place: Place) -> None:
    users = [place.owner, *(place.add(f"{number}@example.com") for number in range(4))]
    place.workspaces.create_user(make_user(f"{place.owner.workspace_id}x"))

    first = place.members.list_members(place.owner.workspace_id, limit=3)
    rest = place.members.list_members(place.owner.workspace_id, after=first[-1].user_id, limit=3)

    assert [*first, *rest] == sorted(users, key=lambda user: user.user_id)
    assert place.members.get_member(place.owner.workspace_id, users[1].user_id) == users[1]


def test_a_user_is_changed_by_what_they_are_and_how_many_owners_there_are(place: Place) -> None:
    bob, seen = place.add("bob@example.com"), list[tuple[User, int]]()

    def demote(user: User, owners: int) -> User:
        seen.append((user, owners))
        return replace(user, role="viewer")

    for _ in range(2):
        place.members.change_member(bob.workspace_id, bob.user_id, demote)

    viewer = replace(bob, role="viewer")
    assert seen == [(bob, 2), (viewer, 1)]
    assert place.members.get_member(bob.workspace_id, bob.user_id) == viewer
    assert place.workspaces.find_user_by_token(bob.token_sha256) == viewer


def test_a_user_is_forgotten(place: Place) -> None:
    bob = place.add("bob@example.com")

    place.members.change_member(bob.workspace_id, bob.user_id, lambda _user, _owners: None)

    assert place.workspaces.find_user_by_token(bob.token_sha256) is None
    assert list(place.members.list_members(bob.workspace_id)) == [place.owner]
    place.add("bob@example.com")


def test_a_refused_change_leaves_all_as_it_was(place: Place) -> None:
    def refuse(_user: User, _owners: int) -> User:
        raise ConflictError("no")

    with pytest.raises(ConflictError):
        place.members.change_member(place.owner.workspace_id, place.owner.user_id, refuse)

    assert place.members.get_member(place.owner.workspace_id, place.owner.user_id) == place.owner


def test_another_workspaces_user_is_not_found(place: Place) -> None:
    foreign: list[Callable[[], object]] = [
        lambda: place.members.get_member(f"{place.owner.workspace_id}x", place.owner.user_id),
        lambda: place.members.change_member(f"{place.owner.workspace_id}x", place.owner.user_id, lambda _user, _owners: None),
    ]
    for call in foreign:
        with pytest.raises(NotFoundError):
            call()
    assert place.members.get_member(place.owner.workspace_id, place.owner.user_id) == place.owner


def test_of_two_owners_who_leave_at_once_one_stays(place: Place) -> None:
    bob = place.add("bob@example.com")

    def leave(_user: User, owners: int) -> None:
        if owners == 1:
            raise ConflictError("the last one")

    def run(user: User) -> bool:
        try:
            place.members.change_member(user.workspace_id, user.user_id, leave)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        left = list(pool.map(run, [place.owner, bob]))

    assert sorted(left) == [False, True]
    assert len(place.members.list_members(bob.workspace_id)) == 1


def test_an_account_is_one_user_of_a_workspace(place: Place) -> None:
    bob, eve = place.add("bob@example.com"), place.add("eve@example.com")

    place.members.change_member(bob.workspace_id, bob.user_id, lambda user, _owners: replace(user, account_id="acc_1"))

    assert place.members.get_member(bob.workspace_id, bob.user_id).account_id == "acc_1"
    with pytest.raises(AlreadyExistsError):
        place.members.change_member(eve.workspace_id, eve.user_id, lambda user, _owners: replace(user, account_id="acc_1"))
    assert place.members.get_member(eve.workspace_id, eve.user_id) == eve
