"""Workspaces, users and keys."""

import hashlib
from dataclasses import replace

import pytest

from presage.adapters.memory.api_key_store import MemoryApiKeyStore
from presage.adapters.memory.key_gateway import MemoryKeyGateway
from presage.adapters.memory.workspace_store import MemoryWorkspaceStore
from presage.errors import (
    AlreadyExistsError,
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)
from presage.tenancy.model import ApiKey, User
from presage.tenancy.use_cases import (
    KeyWish,
    authenticate,
    create_api_key,
    create_user,
    create_workspace,
    revoke_api_key,
    rotate_api_key,
)
from tests.fixtures.metadata_rows import NOW, at, make_user

DAY_SECONDS = 86_400


class BrokenApiKeyStore(MemoryApiKeyStore):
    def create_api_key(self, key: ApiKey) -> None:
        raise UnavailableError(f"no database for {key.api_key_id}")


@pytest.fixture
def store() -> MemoryWorkspaceStore:
    return MemoryWorkspaceStore()


@pytest.fixture
def owner(store: MemoryWorkspaceStore) -> User:
    return create_workspace(name="Shop", owner_email="Ann@Example.com", owner_name="Ann", now=NOW, store=store).user


def test_only_the_hash_of_the_token_is_kept_and_the_token_opens_the_workspace(store: MemoryWorkspaceStore) -> None:
    registration = create_workspace(name=" Shop ", owner_email="Ann@Example.com", owner_name="Ann", now=NOW, store=store)

    assert registration.user.token_sha256 == hashlib.sha256(registration.token.encode()).hexdigest()
    assert authenticate(registration.token, store=store) == registration.user
    assert registration.user.email == "ann@example.com"
    assert store.get_workspace(registration.user.workspace_id).name == "Shop"


@pytest.mark.parametrize("token", ["", "nobody's", "é"])
def test_an_unknown_token_opens_nothing(store: MemoryWorkspaceStore, token: str) -> None:
    with pytest.raises(UnauthenticatedError):
        authenticate(token, store=store)


@pytest.mark.parametrize(
    ("name", "email", "person", "path"),
    [
        ("", "a@example.com", "Ann", "$.name"),
        ("x" * 201, "a@example.com", "Ann", "$.name"),
        ("a\nb", "a@example.com", "Ann", "$.name"),
        ("Shop", "nobody", "Ann", "$.owner.email"),
        ("Shop", "a@example.com", " ", "$.owner.name"),
    ],
)
def test_bad_names_are_refused_with_their_path(store: MemoryWorkspaceStore, name: str, email: str, person: str, path: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        create_workspace(name=name, owner_email=email, owner_name=person, now=NOW, store=store)

    assert caught.value.path == path


def test_the_owner_adds_members_once_and_members_add_nobody(store: MemoryWorkspaceStore, owner: User) -> None:
    member = create_user(by=owner, email="bob@example.com", name="Bob", role="developer", now=NOW, store=store)

    assert (member.user.workspace_id, member.user.role) == (owner.workspace_id, "developer")
    with pytest.raises(AlreadyExistsError):
        create_user(by=owner, email="BOB@example.com", name="Bob", role="developer", now=NOW, store=store)
    with pytest.raises(ForbiddenError):
        create_user(by=member.user, email="eve@example.com", name="Eve", role="viewer", now=NOW, store=store)


def test_a_key_is_created_at_the_gateway_and_noted_without_its_value() -> None:
    gateway, keys, user = MemoryKeyGateway(), MemoryApiKeyStore(), make_user("ws_1")

    issued = create_api_key(KeyWish("web", "standard"), by=user, now=NOW, gateway=gateway, store=keys)

    assert gateway.keys[issued.key.api_key_id].value == issued.value
    assert issued.value.startswith("sk_")
    assert len(issued.value) > 40
    assert keys.list_api_keys("ws_1") == [ApiKey("ws_1", issued.key.api_key_id, "web", "standard", NOW, None)]


def test_a_publishable_key_says_so_and_keeps_its_origins_once() -> None:
    gateway, keys = MemoryKeyGateway(), MemoryApiKeyStore()
    wish = KeyWish("web", kind="publishable", origins=("https://shop.example.com", "http://localhost:3000", "https://shop.example.com"))

    issued = create_api_key(wish, by=make_user("ws_1"), now=NOW, gateway=gateway, store=keys)

    assert issued.value.startswith("pk_")
    assert (issued.key.kind, issued.key.origins) == ("publishable", ("https://shop.example.com", "http://localhost:3000"))
    assert keys.find_api_key(issued.key.api_key_id) == issued.key


@pytest.mark.parametrize(
    ("wish", "path"),
    [
        (KeyWish("web", kind="secret", origins=("https://shop.example.com",)), "$.origins"),
        (KeyWish("web", kind="publishable", origins=tuple(f"https://{number}.example.com" for number in range(21))), "$.origins"),
        *(
            (KeyWish("web", kind="publishable", origins=("https://a.example", origin)), "$.origins[1]")
            for origin in (
                "*",
                "null",
                "",
                "https://*.example.com",
                "https://a.example/",
                "HTTPS://A.EXAMPLE",
                "ftp://a.example",
                "a.example",
            )
        ),
        (KeyWish("web", kind="publishable", origins=(f"https://{'a' * 200}.example",)), "$.origins[0]"),
    ],
)
def test_origins_are_exact_and_a_publishable_keys(wish: KeyWish, path: str) -> None:
    gateway = MemoryKeyGateway()

    with pytest.raises(InvalidInputError) as caught:
        create_api_key(wish, by=make_user("ws_1"), now=NOW, gateway=gateway, store=MemoryApiKeyStore())

    assert caught.value.path == path
    assert gateway.keys == {}


def test_a_key_that_cannot_be_noted_does_not_stay_at_the_gateway() -> None:
    gateway = MemoryKeyGateway()

    with pytest.raises(UnavailableError):
        create_api_key(KeyWish("web"), by=make_user("ws_1"), now=NOW, gateway=gateway, store=BrokenApiKeyStore())

    assert gateway.keys == {}


def test_revoking_deletes_the_key_at_the_gateway_and_only_in_its_own_workspace() -> None:
    gateway, keys, user = MemoryKeyGateway(), MemoryApiKeyStore(), make_user("ws_1")
    key = create_api_key(KeyWish("web"), by=user, now=NOW, gateway=gateway, store=keys).key

    with pytest.raises(NotFoundError):
        revoke_api_key(key.api_key_id, by=make_user("ws_2"), now=at(1), gateway=gateway, store=keys)
    assert set(gateway.keys) == {key.api_key_id}

    revoke_api_key(key.api_key_id, by=user, now=at(2), gateway=gateway, store=keys)
    assert gateway.keys == {}
    assert keys.find_api_key(key.api_key_id) == replace(key, revoked_at=at(2))


def test_a_key_may_do_what_its_kind_may_unless_it_says_less() -> None:
    gateway, keys, owner = MemoryKeyGateway(), MemoryApiKeyStore(), make_user("ws_1")

    def scopes_of(wish: KeyWish) -> tuple[str, ...]:
        return create_api_key(wish, by=owner, now=NOW, gateway=gateway, store=keys).key.scopes

    assert scopes_of(KeyWish("web")) == ("predict", "records.write", "predictions.read")
    assert scopes_of(KeyWish("web", kind="publishable")) == ("predict", "records.write")
    assert scopes_of(KeyWish("web", scopes=("records.write", "records.write"))) == ("records.write",)


@pytest.mark.parametrize(
    ("wish", "path"),
    [
        (KeyWish("web", scopes=()), "$.scopes"),
        (KeyWish("web", kind="publishable", scopes=("predict", "predictions.read")), "$.scopes"),
        (KeyWish("web", expires_at=NOW), "$.expires_at"),
    ],
)
def test_a_key_that_could_do_nothing_or_too_much_is_not_made(wish: KeyWish, path: str) -> None:
    gateway = MemoryKeyGateway()

    with pytest.raises(InvalidInputError) as caught:
        create_api_key(wish, by=make_user("ws_1"), now=NOW, gateway=gateway, store=MemoryApiKeyStore())

    assert (caught.value.path, gateway.keys) == (path, {})


def test_a_rotated_key_works_beside_the_new_one_for_the_overlap() -> None:
    gateway, keys, owner = MemoryKeyGateway(), MemoryApiKeyStore(), make_user("ws_1")
    wish = KeyWish("web", "standard", "publishable", ("https://shop.example.com",), ("predict",), at(90 * DAY_SECONDS))
    old = create_api_key(wish, by=owner, now=NOW, gateway=gateway, store=keys)

    new = rotate_api_key(old.key.api_key_id, by=owner, overlap_hours=24, now=at(30 * DAY_SECONDS), gateway=gateway, store=keys)

    assert new.value != old.value
    assert set(gateway.keys) == {old.key.api_key_id, new.key.api_key_id}
    assert keys.find_api_key(old.key.api_key_id) == replace(old.key, expires_at=at(31 * DAY_SECONDS))
    same = replace(old.key, api_key_id=new.key.api_key_id, created_at=at(30 * DAY_SECONDS), expires_at=at(120 * DAY_SECONDS))
    assert keys.find_api_key(new.key.api_key_id) == new.key == same


def test_a_key_that_is_known_to_others_is_rotated_without_an_overlap() -> None:
    gateway, keys, owner = MemoryKeyGateway(), MemoryApiKeyStore(), make_user("ws_1")
    old = create_api_key(KeyWish("web"), by=owner, now=NOW, gateway=gateway, store=keys).key

    new = rotate_api_key(old.api_key_id, by=owner, overlap_hours=0, now=at(1), gateway=gateway, store=keys).key

    assert set(gateway.keys) == {new.api_key_id}
    assert keys.find_api_key(old.api_key_id) == replace(old, revoked_at=at(1))
    assert new.expires_at is None


def test_only_a_working_key_of_the_workspace_is_rotated() -> None:
    gateway, keys, owner = MemoryKeyGateway(), MemoryApiKeyStore(), make_user("ws_1")
    key_id = create_api_key(KeyWish("web", expires_at=at(9)), by=owner, now=NOW, gateway=gateway, store=keys).key.api_key_id

    def rotate(by: User, hours: int = 1, seconds: float = 1) -> None:
        rotate_api_key(key_id, by=by, overlap_hours=hours, now=at(seconds), gateway=gateway, store=keys)

    with pytest.raises(NotFoundError):
        rotate(make_user("ws_2"))
    with pytest.raises(ForbiddenError):
        rotate(make_user("ws_1", role="analyst"))
    for hours in (-1, 169):
        with pytest.raises(InvalidInputError, match="0 to 168 hours"):
            rotate(owner, hours)
    with pytest.raises(ConflictError):
        rotate(owner, seconds=9)
    revoke_api_key(key_id, by=owner, now=at(1), gateway=gateway, store=keys)
    with pytest.raises(ConflictError):
        rotate(owner)
    assert gateway.keys == {}
