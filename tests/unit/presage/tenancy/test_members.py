"""Roles are given and taken by those who may, and a workspace keeps an owner."""

import pytest

from presage.adapters.memory.workspace_store import MemoryWorkspaceStore
from presage.errors import ConflictError, ForbiddenError, NotFoundError, UnauthenticatedError
from presage.tenancy.members import change_role, remove_user
from presage.tenancy.model import Role, User
from presage.tenancy.permissions import ROLES, authorise
from presage.tenancy.use_cases import authenticate, create_user, create_workspace
from tests.fixtures.metadata_rows import NOW, make_user


@pytest.fixture
def store() -> MemoryWorkspaceStore:
    return MemoryWorkspaceStore()


@pytest.fixture
def owner(store: MemoryWorkspaceStore) -> User:
    return create_workspace(name="Shop", owner_email="ann@example.com", owner_name="Ann", now=NOW, store=store).user


def add(store: MemoryWorkspaceStore, by: User, role: Role, name: str = "bob") -> User:
    return create_user(by=by, email=f"{name}@example.com", name=name, role=role, now=NOW, store=store).user


def test_a_user_gets_another_role(store: MemoryWorkspaceStore, owner: User) -> None:
    bob = add(store, owner, "viewer")

    changed = change_role(bob.user_id, "analyst", by=owner, store=store)

    assert (changed.role, store.get_member(owner.workspace_id, bob.user_id)) == ("analyst", changed)
    assert authorise(changed, "rows.read") == owner.workspace_id
    with pytest.raises(ForbiddenError, match=r"viewer lacks the permission rows\.read, which these have: owner, admin, developer, analyst"):
        authorise(bob, "rows.read")


@pytest.mark.parametrize("role", ["developer", "analyst", "viewer"])
def test_who_is_no_admin_changes_nobody_not_even_themselves(store: MemoryWorkspaceStore, owner: User, role: Role) -> None:
    bob = add(store, owner, role)

    for user_id in (bob.user_id, owner.user_id):
        with pytest.raises(ForbiddenError):
            change_role(user_id, "admin", by=bob, store=store)
        with pytest.raises(ForbiddenError):
            remove_user(user_id, by=bob, store=store)
    with pytest.raises(ForbiddenError):
        add(store, bob, "viewer", "eve")
    assert {user.role for user in store.list_members(owner.workspace_id)} == {"owner", role}


def test_an_admin_neither_makes_owners_nor_touches_them(store: MemoryWorkspaceStore, owner: User) -> None:
    admin = add(store, owner, "admin")

    for role in ROLES:
        with pytest.raises(ForbiddenError, match=r"owners\.write"):
            change_role(owner.user_id, role, by=admin, store=store)
    for act in (
        lambda: change_role(admin.user_id, "owner", by=admin, store=store),
        lambda: remove_user(owner.user_id, by=admin, store=store),
        lambda: add(store, admin, "owner", "eve"),
    ):
        with pytest.raises(ForbiddenError, match=r"owners\.write"):
            act()
    assert add(store, admin, "admin", "eve").role == "admin"
    assert change_role(admin.user_id, "viewer", by=admin, store=store).role == "viewer"


def test_the_last_owner_stays(store: MemoryWorkspaceStore, owner: User) -> None:
    with pytest.raises(ConflictError, match="only owner"):
        change_role(owner.user_id, "viewer", by=owner, store=store)
    with pytest.raises(ConflictError, match="only owner"):
        remove_user(owner.user_id, by=owner, store=store)
    assert change_role(owner.user_id, "owner", by=owner, store=store) == owner

    second = add(store, owner, "owner")
    remove_user(owner.user_id, by=second, store=store)
    assert list(store.list_members(owner.workspace_id)) == [second]


def test_a_removed_users_token_opens_nothing(store: MemoryWorkspaceStore, owner: User) -> None:
    registration = create_user(by=owner, email="bob@example.com", name="Bob", role="developer", now=NOW, store=store)
    remove_user(registration.user.user_id, by=owner, store=store)

    with pytest.raises(UnauthenticatedError):
        authenticate(registration.token, store=store)
    with pytest.raises(NotFoundError):
        remove_user(registration.user.user_id, by=owner, store=store)


def test_users_of_another_workspace_are_not_found(store: MemoryWorkspaceStore, owner: User) -> None:
    stranger = make_user("ws_other")

    with pytest.raises(NotFoundError):
        change_role(owner.user_id, "viewer", by=stranger, store=store)
    with pytest.raises(NotFoundError):
        remove_user(owner.user_id, by=stranger, store=store)
    assert list(store.list_members(owner.workspace_id)) == [owner]
