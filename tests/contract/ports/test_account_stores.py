"""`AccountStore`, `SessionStore`, `MailedLinks` and `AccountSweep`: one suite over memory and MariaDB."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from presage.adapters.memory.account_store import MemoryAccountStore
from presage.adapters.memory.workspace_store import MemoryWorkspaceStore
from presage.adapters.sql.stores import SqlStores
from presage.errors import AlreadyExistsError, ConflictError, NotFoundError, PresageError
from presage.tenancy.accounts.model import Account, AccountSession, LinkEffect, LinkKind, MailedLink, Membership, NewPassword, Visitor
from presage.tenancy.accounts.ports import AccountStore, AccountSweep, MailedLinks, SessionStore
from presage.tenancy.model import Role, User, Workspace
from presage.tenancy.ports import MemberStore, WorkspaceStore
from tests.fixtures.metadata_rows import NOW, at, make_user, make_workspace, unique

SOON = NOW + timedelta(hours=1)


@dataclass
class Place:
    """The stores, and things of their own in them."""

    accounts: AccountStore
    sessions: SessionStore
    links: MailedLinks
    sweep: AccountSweep
    workspaces: WorkspaceStore
    members: MemberStore

    def add_link(
        self, kind: LinkKind, email: str, *, workspace_id: str | None = None, seconds: float = 0, expires_at: datetime = SOON
    ) -> MailedLink:
        role: Role | None = "viewer" if kind == "invitation" else None
        by = "usr_1" if kind == "invitation" else None
        link = MailedLink(unique("lnk"), secrets.token_hex(32), kind, email, at(seconds), expires_at, workspace_id, role, by)
        self.links.create_link(link)
        return link

    def add_account(self, email: str | None = None) -> Account:
        account = make_account(email)
        self.links.use_link(self.add_link("sign_up", account.email), LinkEffect(new_account=account), now=NOW)
        return account

    def add_member(self, account: Account, name: str = "Shop") -> Membership:
        workspace = Workspace(unique("ws"), name, NOW)
        user = replace(make_user(workspace.workspace_id, account.email), account_id=account.account_id)
        self.workspaces.create_workspace(workspace, user)
        return Membership(workspace, user)

    def add_session(self, account: Account, workspace_id: str | None = None, seconds: float = 0) -> AccountSession:
        times = (at(seconds), at(seconds))
        session = AccountSession(unique("ses"), secrets.token_hex(32), account.account_id, workspace_id, *times, "203.0.113.7", "Firefox ✓")
        self.sessions.create_session(session)
        return session

    def list_ids(self, account: Account) -> list[str]:
        return [session.session_id for session in self.sessions.list_sessions(account.account_id)]


def make_account(email: str | None = None) -> Account:
    return Account(unique("acc"), email or f"{unique('ann')}@example.com", "Ann Ⅻ 😀", "hash 1", NOW)


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "memory":
        workspaces = MemoryWorkspaceStore()
        memory = MemoryAccountStore(workspaces)
        return Place(memory, memory, memory, memory, workspaces, workspaces)
    engine: Engine = request.getfixturevalue("engine")
    sql = SqlStores.build(engine)
    return Place(sql.accounts, sql.sessions, sql.links, sql.account_sweep, sql.workspaces, sql.members)


def test_an_account_is_found_by_any_spelling_of_its_address_and_kept_as_it_was_typed(place: Place) -> None:
    name = secrets.token_hex(8)
    account = place.add_account(f"Ann.{name}@Example.com")

    assert place.accounts.find_account(f"aNN.{name}@eXAMPLE.com") == account
    assert place.accounts.find_account(f"bob.{name}@example.com") is None


def test_one_address_has_one_account_and_the_second_link_stays(place: Place) -> None:
    account = place.add_account()
    link = place.add_link("sign_up", account.email)
    second, workspace = make_account(account.email.upper()), make_workspace(unique("ws"))

    owner = make_user(workspace.workspace_id)
    with pytest.raises(AlreadyExistsError):
        place.links.use_link(link, LinkEffect(new_account=second, new_workspace=workspace, new_user=owner), now=NOW)

    assert place.links.find_link(link.token_sha256) == link
    assert place.accounts.find_account(account.email) == account
    with pytest.raises(NotFoundError):
        place.workspaces.get_workspace(workspace.workspace_id)


def test_a_sign_up_makes_account_workspace_and_owner_at_once(place: Place) -> None:
    account, workspace = make_account(), make_workspace(unique("ws"))
    owner = replace(make_user(workspace.workspace_id), account_id=account.account_id)
    link = place.add_link("sign_up", account.email)

    place.links.use_link(link, LinkEffect(account, workspace, owner), now=at(7))

    assert place.accounts.list_memberships(account.account_id) == [Membership(workspace, owner)]
    assert place.links.find_link(link.token_sha256) == replace(link, used_at=at(7))


def test_a_link_is_used_once_and_in_time_and_only_if_it_is_there(place: Place) -> None:
    used, late, gone = (place.add_link("sign_up", "a@example.com", expires_at=at(60)) for _ in range(3))
    place.links.use_link(used, LinkEffect(), now=NOW)
    place.links.delete_link(gone.link_id)
    place.links.delete_link(gone.link_id)

    for link, now in ((used, NOW), (late, at(60)), (gone, NOW)):
        with pytest.raises(NotFoundError):
            place.links.use_link(link, LinkEffect(new_account=make_account()), now=now)

    assert place.links.find_link(gone.token_sha256) is None
    assert place.links.find_link("0" * 64) is None
    place.links.use_link(late, LinkEffect(), now=at(59))


def test_of_many_uses_at_once_one_counts(place: Place) -> None:
    link = place.add_link("sign_up", "a@example.com")
    accounts = [make_account() for _ in range(6)]

    def use(account: Account) -> bool:
        try:
            place.links.use_link(link, LinkEffect(new_account=account), now=NOW)
        except PresageError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        used = list(pool.map(use, accounts))

    assert sum(used) == 1
    assert [place.accounts.find_account(account.email) is not None for account in accounts] == used


def test_a_user_is_bound_to_one_account(place: Place) -> None:
    first, second = place.add_account(), place.add_account()
    workspace, user = make_workspace(unique("ws")), make_user("ws_x")
    user = replace(user, workspace_id=workspace.workspace_id)
    place.workspaces.create_workspace(workspace, user)
    bound = replace(user, account_id=first.account_id, name=first.name)

    place.links.use_link(place.add_link("invitation", user.email), LinkEffect(bound_user=bound), now=NOW)
    again = place.add_link("invitation", user.email, seconds=1)
    with pytest.raises(ConflictError):
        place.links.use_link(again, LinkEffect(bound_user=replace(user, account_id=second.account_id)), now=NOW)

    assert place.members.get_member(user.workspace_id, user.user_id) == bound
    assert place.links.find_link(again.token_sha256) == again
    second_user = replace(make_user(user.workspace_id, "x@example.com"), account_id=first.account_id)
    with pytest.raises(AlreadyExistsError):
        place.workspaces.create_user(second_user)


def test_invitations_are_of_their_workspace_pending_newest_first_and_one_an_address(place: Place) -> None:
    workspace_id = unique("ws")
    old = place.add_link("invitation", "Bob@example.com", workspace_id=workspace_id)
    cid = place.add_link("invitation", "cid@example.com", workspace_id=workspace_id, seconds=1)
    bob = place.add_link("invitation", "bob@EXAMPLE.com", workspace_id=workspace_id, seconds=2)
    place.add_link("invitation", "bob@example.com", workspace_id=f"{workspace_id}x")
    place.add_link("sign_up", "dan@example.com")
    used = place.add_link("invitation", "eve@example.com", workspace_id=workspace_id)
    place.links.use_link(used, LinkEffect(), now=NOW)

    assert list(place.links.list_invitations(workspace_id, now=NOW)) == [bob, cid]
    assert list(place.links.list_invitations(workspace_id, now=SOON)) == []
    assert place.links.find_link(old.token_sha256) is None


def test_a_session_is_found_by_its_token_with_who_they_are_now(place: Place) -> None:
    account = place.add_account()
    member = place.add_member(account)
    session = place.add_session(account, member.workspace.workspace_id)

    visitor = place.sessions.find_visitor(session.token_sha256)

    assert visitor == Visitor(session, replace(account, last_workspace_id=member.workspace.workspace_id), member.user)
    assert place.sessions.find_visitor("0" * 64) is None
    place.members.change_member(member.user.workspace_id, member.user.user_id, lambda user, _owners: replace(user, role="viewer"))
    assert find(place, session).user == replace(member.user, role="viewer")
    place.members.change_member(member.user.workspace_id, member.user.user_id, lambda _user, _owners: None)
    assert find(place, session).user is None
    assert find(place, place.add_session(account)).user is None


def find(place: Place, session: AccountSession) -> Visitor:
    visitor = place.sessions.find_visitor(session.token_sha256)
    assert visitor is not None
    return visitor


def test_a_session_enters_another_workspace_which_is_the_accounts_last(place: Place) -> None:
    account = place.add_account()
    first, second = place.add_member(account, "b"), place.add_member(account, "a")
    sessions = [place.add_session(account, first.workspace.workspace_id) for _ in range(2)]

    place.sessions.enter_workspace(sessions[0], second.workspace.workspace_id)

    assert [find(place, session).user for session in sessions] == [second.user, first.user]
    assert find(place, sessions[1]).account.last_workspace_id == second.workspace.workspace_id
    assert list(place.accounts.list_memberships(account.account_id)) == [second, first]


def test_sessions_are_listed_by_their_last_use_and_deleted_one_by_one_and_all_others(place: Place) -> None:
    account, other = place.add_account(), place.add_account()
    first, second, third = (place.add_session(account, seconds=number) for number in range(3))
    foreign = place.add_session(other)

    place.sessions.note_seen(first.session_id, now=at(60))
    assert place.list_ids(account) == [first.session_id, third.session_id, second.session_id]
    assert find(place, first).session == replace(first, last_seen_at=at(60))

    place.sessions.delete_sessions(account.account_id, only=foreign.session_id)
    place.sessions.delete_sessions(account.account_id, only=second.session_id)
    assert place.list_ids(account) == [first.session_id, third.session_id]
    place.sessions.note_seen(second.session_id, now=at(61))
    place.sessions.delete_sessions(account.account_id, but=third.session_id)
    assert place.list_ids(account) == [third.session_id]
    place.sessions.delete_sessions(account.account_id)
    assert (place.list_ids(account), place.list_ids(other)) == ([], [foreign.session_id])


@pytest.mark.parametrize("by_link", [True, False])
def test_a_new_password_ends_all_sessions_and_links_to_change_it(place: Place, by_link: bool) -> None:  # noqa: FBT001 - a case
    account, other = place.add_account(), place.add_account()
    place.add_session(account)
    kept = place.add_session(other)
    link, second = place.add_link("reset", account.email), place.add_link("reset", account.email.upper())
    invitation, foreign = place.add_link("invitation", account.email), place.add_link("reset", other.email)
    password = NewPassword(account.account_id, "hash 2")

    if by_link:
        place.links.use_link(link, LinkEffect(new_password=password), now=NOW)
    else:
        place.accounts.change_password(password)

    assert place.accounts.find_account(account.email) == replace(account, password_hash="hash 2")
    assert (place.list_ids(account), place.list_ids(other)) == ([], [kept.session_id])
    found = [place.links.find_link(each.token_sha256) is not None for each in (link, second, invitation, foreign)]
    assert found == [by_link, False, True, True]


def test_a_hash_is_renewed_unless_the_password_has_changed(place: Place) -> None:
    account = place.add_account()
    session = place.add_session(account)

    place.accounts.renew_hash(account, "hash 2")
    place.accounts.renew_hash(account, "hash 3")

    assert place.accounts.find_account(account.email) == replace(account, password_hash="hash 2")
    assert place.list_ids(account) == [session.session_id]


def test_a_new_name_is_the_users_too(place: Place) -> None:
    account, other = place.add_account(), place.add_account()
    members = [place.add_member(account), place.add_member(account), place.add_member(other)]

    place.accounts.rename_account(account.account_id, "Ann Lee")

    names = [place.members.get_member(each.user.workspace_id, each.user.user_id).name for each in members]
    assert names == ["Ann Lee", "Ann Lee", members[2].user.name]
    assert place.accounts.find_account(account.email) == replace(account, name="Ann Lee")


def test_what_has_ended_is_deleted_and_nothing_else(place: Place) -> None:
    account = place.add_account()
    sessions = [place.add_session(account, seconds=seconds) for seconds in (0, 50, 100)]
    place.sessions.note_seen(sessions[1].session_id, now=at(500))
    place.sessions.note_seen(sessions[2].session_id, now=at(500))
    links = [place.add_link("sign_up", "a@example.com", expires_at=at(expiry)) for expiry in (500, 501)]

    def sweep() -> int:
        return place.sweep.delete_ended(now=at(500), idle_since=at(400), begun_before=at(60), limit=1000)

    while sweep():
        pass

    assert place.list_ids(account) == [sessions[2].session_id]
    assert [place.links.find_link(link.token_sha256) is not None for link in links] == [False, True]


def test_a_sweep_deletes_no_more_than_it_may(place: Place) -> None:
    place.sweep.delete_ended(now=at(-1000), idle_since=at(-1000), begun_before=at(-1000), limit=100_000)
    links = [place.add_link("sign_up", "a@example.com", expires_at=at(-2000)) for _ in range(3)]

    assert place.sweep.delete_ended(now=at(-1500), idle_since=at(-9999), begun_before=at(-9999), limit=2) == 2

    assert sum(place.links.find_link(link.token_sha256) is not None for link in links) == 1


def test_a_token_is_of_one_session_and_of_one_link(place: Place) -> None:
    account = place.add_account()
    session, link = place.add_session(account), place.add_link("sign_up", "a@example.com")

    twice: list[Callable[[], object]] = [
        lambda: place.sessions.create_session(replace(session, session_id=unique("ses"))),
        lambda: place.links.create_link(replace(link, link_id=unique("lnk"))),
    ]
    for create in twice:
        with pytest.raises(AlreadyExistsError):
            create()


def test_a_member_is_found_by_address_and_may_change_their_token(place: Place) -> None:
    member: User = place.add_member(place.add_account(f"{unique('ann').lower()}@example.com")).user

    assert place.members.find_member(member.workspace_id, member.email) == member
    assert place.members.find_member(f"{member.workspace_id}x", member.email) is None
    assert place.members.find_member(member.workspace_id, "x@example.com") is None

    token = secrets.token_hex(32)
    place.members.change_member(member.workspace_id, member.user_id, lambda user, _owners: replace(user, token_sha256=token))
    assert place.workspaces.find_user_by_token(token) == replace(member, token_sha256=token)
    assert place.workspaces.find_user_by_token(member.token_sha256) is None
