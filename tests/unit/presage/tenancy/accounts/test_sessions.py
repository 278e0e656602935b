"""Who is logged in: by a password or a link, until they stop, leave, or are asked to."""

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from presage.adapters.memory.account_store import MemoryAccountStore
from presage.adapters.memory.password_hasher import MemoryPasswordHasher
from presage.errors import NotFoundError, RateLimitedError, UnauthenticatedError
from presage.tenancy.accounts import sessions
from presage.tenancy.accounts.links import open_link
from presage.tenancy.accounts.model import Device, LogIn
from presage.tenancy.accounts.own_account import create_own_workspace
from presage.tenancy.members import change_role, remove_user
from presage.tenancy.use_cases import create_user
from tests.fixtures.people import DEVICE, PASSWORD, People

HOUR = timedelta(hours=1)


def log_in(people: People, email: str = "ann@example.com", password: str = PASSWORD, device: Device = DEVICE) -> LogIn:
    return sessions.log_in(email, password, device=device, now=people.now, ports=people.ports)


def test_who_knows_the_password_is_in_their_only_workspace(people: People) -> None:
    first = people.sign_up("Ann@example.com")

    entry = log_in(people, " ann@EXAMPLE.com")

    visitor = people.visit(entry)
    assert visitor.account.email == "Ann@example.com"
    assert visitor.user == people.member(first)
    assert (visitor.session.address, visitor.session.user_agent) == ("203.0.113.7", "Firefox")
    assert entry.token not in repr(visitor)


@pytest.mark.parametrize(("email", "password"), [("ann@example.com", "another password"), ("bob@example.com", PASSWORD)])
def test_a_wrong_password_and_an_unknown_address_are_answered_alike(people: People, email: str, password: str) -> None:
    people.sign_up()

    with pytest.raises(UnauthenticatedError, match="There is no account of that address with that password"):
        log_in(people, email, password)


def test_an_unknown_address_is_checked_like_a_known_one(people: People) -> None:
    checked = list[str | None]()

    class Noting(MemoryPasswordHasher):
        def check_password(self, password: str, password_hash: str | None) -> bool:
            checked.append(password_hash)
            return super().check_password(password, password_hash)

    people.ports = replace(people.ports, hasher=Noting())
    with pytest.raises(UnauthenticatedError):
        log_in(people)

    assert checked == [None]


def test_ten_attempts_at_an_address_and_then_one_every_ninety_seconds_right_or_wrong(people: People) -> None:
    people.sign_up()
    for number in range(10):
        with pytest.raises(UnauthenticatedError):
            log_in(people, password="wrong", device=Device(f"198.51.100.{number}", ""))

    with pytest.raises(RateLimitedError) as refused:
        log_in(people, "ANN@example.com", device=Device("198.51.100.99", ""))

    assert 80 < refused.value.retry_after_seconds <= 90


def test_a_hundred_attempts_of_a_client_at_any_address(people: People) -> None:
    for number in range(100):
        with pytest.raises(UnauthenticatedError):
            log_in(people, f"{number}@example.com")

    with pytest.raises(RateLimitedError):
        log_in(people, "another@example.com")


def test_a_hash_with_parameters_of_before_is_made_anew_at_log_in(people: People) -> None:
    people.sign_up()
    people.ports = replace(people.ports, hasher=MemoryPasswordHasher(version=2))

    log_in(people)

    account = people.ports.accounts.find_account("ann@example.com")
    assert account is not None
    assert account.password_hash.startswith("2$")
    assert people.member(log_in(people)).account_id == account.account_id


def test_a_session_ends_when_it_is_not_used_for_twelve_hours(people: People) -> None:
    entry = people.sign_up()
    for _ in range(3):
        people.wait(timedelta(hours=11, minutes=59))
        assert people.see(entry.token)

    people.wait(timedelta(hours=12))

    assert people.see(entry.token) is None


def test_a_session_ends_after_seven_days_however_much_it_is_used(people: People) -> None:
    entry = people.sign_up()
    for _ in range(7 * 24 - 1):
        people.wait(HOUR)
        assert people.see(entry.token)

    people.wait(HOUR)

    assert people.see(entry.token) is None
    assert people.see("no such token") is None


def test_its_use_is_written_once_a_minute(people: People) -> None:
    entry, seen = people.sign_up(), []
    for _ in range(5):
        people.wait(timedelta(seconds=25))
        seen.append(people.visit(entry).session.last_seen_at - entry.session.created_at)

    assert seen == [timedelta(0), timedelta(0), timedelta(0), timedelta(seconds=75), timedelta(seconds=75)]


def test_own_sessions_are_listed_and_ended_one_by_one_and_all_others(people: People) -> None:
    first = people.sign_up()
    others = []
    for agent in ("Safari", "Chrome"):
        people.wait(HOUR)
        others.append(log_in(people, device=Device("198.51.100.7", agent)))
    eve = people.sign_up("eve@example.com")
    visitor = people.visit(first)

    listed = sessions.list_sessions(visitor, now=people.now, ports=people.ports)
    sessions.end_session(eve.session.session_id, visitor=visitor, ports=people.ports)
    sessions.end_session(others[0].session.session_id, visitor=visitor, ports=people.ports)

    assert {session.user_agent for session in listed} == {"Firefox", "Safari", "Chrome"}
    assert [bool(people.see(entry.token)) for entry in (first, *others, eve)] == [True, False, True, True]

    sessions.end_other_sessions(visitor, ports=people.ports)

    assert [bool(people.see(entry.token)) for entry in (first, *others, eve)] == [True, False, False, True]
    people.wait(timedelta(hours=12))
    assert sessions.list_sessions(visitor, now=people.now, ports=people.ports) == []


def test_who_logs_out_is_out(people: People) -> None:
    entry = people.sign_up()
    sessions.log_out(entry.token, ports=people.ports)
    sessions.log_out(entry.token, ports=people.ports)
    assert people.see(entry.token) is None


def test_a_role_and_a_removal_count_at_the_next_request(people: People) -> None:
    owner = people.member(people.sign_up())
    bob = people.sign_up("bob@example.com", "Bobs")
    other = create_user(by=owner, email="cid@example.com", name="Cid", role="owner", now=people.now, store=people.workspaces).user

    change_role(owner.user_id, "viewer", by=other, store=people.workspaces)
    assert people.member(log_in(people)).role == "viewer"

    entry = log_in(people)
    remove_user(owner.user_id, by=other, store=people.workspaces)
    assert people.visit(entry).user is None
    assert people.visit(bob).user is not None


def test_who_is_in_several_workspaces_is_where_they_were_last(people: People) -> None:
    entry = people.sign_up(workspace="One")
    one = people.member(entry).workspace_id
    visitor = create_own_workspace("Two", visitor=people.visit(entry), now=people.now, ports=people.ports)
    assert visitor.user is not None
    two = visitor.user.workspace_id

    assert people.member(entry).workspace_id == two
    assert people.member(log_in(people)).workspace_id == two

    sessions.enter_workspace(one, visitor=visitor, ports=people.ports)

    assert people.member(entry).workspace_id == one
    assert people.member(log_in(people)).workspace_id == one


def test_who_was_removed_from_where_they_were_last_chooses_or_is_in_the_only_other(people: People) -> None:
    entry = people.sign_up(workspace="One")
    visitor = people.visit(entry)
    for name in ("Two", "Three"):
        visitor = create_own_workspace(name, visitor=visitor, now=people.now, ports=people.ports)
    assert visitor.user is not None

    people.workspaces.change_member(visitor.user.workspace_id, visitor.user.user_id, lambda _user, _owners: None)

    chosen = people.visit(log_in(people))
    assert (chosen.user, chosen.session.workspace_id) == (None, None)
    (one, two) = people.ports.accounts.list_memberships(chosen.account.account_id)
    people.workspaces.change_member(two.user.workspace_id, two.user.user_id, lambda _user, _owners: None)
    assert people.member(log_in(people)) == one.user


def test_nobody_enters_a_workspace_that_is_not_theirs(people: People) -> None:
    entry, foreign = people.sign_up(), people.member(people.sign_up("eve@example.com"))

    with pytest.raises(NotFoundError):
        sessions.enter_workspace(foreign.workspace_id, visitor=people.visit(entry), ports=people.ports)

    assert people.member(entry).workspace_id != foreign.workspace_id


def test_what_a_browser_says_of_itself_is_bounded_and_printable(people: People) -> None:
    people.sign_up()
    session = log_in(people, device=Device("x" * 500, "Mo\r\nzilla" + "x" * 500)).session
    assert (len(session.address), len(session.user_agent), session.user_agent[:8]) == (45, 200, "Mozillax")


def test_what_has_ended_is_swept_and_what_may_be_used_is_not(people: People) -> None:
    people.ask("new@example.com")
    idle = people.sign_up()
    people.wait(timedelta(hours=12, seconds=1))
    used, pending = people.sign_up("bob@example.com"), people.ask("cid@example.com")
    sweep = cast("MemoryAccountStore", people.ports.accounts)

    first = sessions.sweep_accounts(sweep=sweep, now=people.now)
    people.wait(timedelta(hours=11, minutes=59, seconds=59))
    second = sessions.sweep_accounts(sweep=sweep, now=people.now)

    assert (first, second) == (1, 2)
    assert people.ports.sessions.list_sessions(idle.session.account_id) == []
    assert people.visit(used).session == used.session
    assert open_link(pending, "sign_up", now=people.now, ports=people.ports).email == "cid@example.com"
