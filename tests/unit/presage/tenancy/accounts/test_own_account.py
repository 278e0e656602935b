"""What people do with their own accounts."""

from datetime import timedelta

import pytest

from presage.errors import ConflictError, InvalidInputError, NotFoundError, RateLimitedError, UnauthenticatedError
from presage.tenancy.accounts.links import ask_for_link
from presage.tenancy.accounts.model import LogIn
from presage.tenancy.accounts.own_account import (
    SignUp,
    change_password,
    create_own_workspace,
    join_by_token,
    rename,
    renew_token,
    reset_password,
    sign_up,
)
from presage.tenancy.accounts.sessions import log_in
from presage.tenancy.use_cases import authenticate, create_user, create_workspace
from tests.fixtures.people import DEVICE, PASSWORD, People

NEW = "eleven blue umbrellas"


def enter(people: People, password: str = PASSWORD) -> LogIn:
    return log_in("ann@example.com", password, device=DEVICE, now=people.now, ports=people.ports)


def ask_for_reset(people: People, email: str = "ann@example.com") -> str:
    ask_for_link(email, wanted="reset", client="198.51.100.1", now=people.now, ports=people.ports)
    return people.read_token()


def reset(people: People, token: str, password: str = NEW) -> LogIn:
    return reset_password(token, password, device=DEVICE, now=people.now, ports=people.ports)


def test_who_signs_up_owns_a_workspace_and_has_no_access_token(people: People) -> None:
    entry = people.sign_up("Ann@Example.com", "Shop")

    visitor = people.visit(entry)
    user = people.member(entry)
    assert (visitor.account.email, visitor.account.name) == ("Ann@Example.com", "Ann")
    assert (user.email, user.name, user.role, user.account_id) == ("ann@example.com", "Ann", "owner", visitor.account.account_id)
    assert people.workspaces.get_workspace(user.workspace_id).name == "Shop"
    assert PASSWORD not in visitor.account.password_hash
    with pytest.raises(UnauthenticatedError):
        authenticate(user.token_sha256, store=people.workspaces)


def test_a_link_signs_up_once(people: People) -> None:
    token = people.ask("ann@example.com")
    wish = SignUp("Ann", "Shop", PASSWORD)
    sign_up(token, wish, device=DEVICE, now=people.now, ports=people.ports)

    with pytest.raises(NotFoundError):
        sign_up(token, wish, device=DEVICE, now=people.now, ports=people.ports)

    assert len(people.workspaces.users()) == 1


def test_of_two_links_to_one_address_the_second_makes_no_second_account(people: People) -> None:
    tokens = [people.ask("ann@example.com"), people.ask("ANN@example.com")]
    wish = SignUp("Ann", "Shop", PASSWORD)
    sign_up(tokens[0], wish, device=DEVICE, now=people.now, ports=people.ports)

    with pytest.raises(ConflictError, match="log in"):
        sign_up(tokens[1], wish, device=DEVICE, now=people.now, ports=people.ports)

    assert len(people.workspaces.users()) == 1


@pytest.mark.parametrize(
    ("wish", "path"),
    [
        (SignUp("", "Shop", PASSWORD), "$.name"),
        (SignUp("Ann", " ", PASSWORD), "$.workspace_name"),
        (SignUp("Ann", "Shop", "short"), "$.password"),
        (SignUp("Ann", "Shop", "Long.Ann@Example.com"), "$.password"),
    ],
)
def test_a_refused_form_leaves_the_link_as_it_was(people: People, wish: SignUp, path: str) -> None:
    token = people.ask("long.ann@example.com")

    with pytest.raises(InvalidInputError) as refused:
        sign_up(token, wish, device=DEVICE, now=people.now, ports=people.ports)

    assert refused.value.path == path
    assert people.workspaces.users() == []
    sign_up(token, SignUp("Ann", "Shop", PASSWORD), device=DEVICE, now=people.now, ports=people.ports)
    assert len(people.workspaces.users()) == 1


def test_a_new_password_by_link_ends_all_sessions_and_other_links(people: People) -> None:
    old, token, other = people.sign_up(), ask_for_reset(people), ask_for_reset(people)

    entry = reset(people, token)

    assert people.see(old.token) is None
    assert people.member(entry).email == "ann@example.com"
    assert people.member(enter(people, NEW)) == people.member(entry)
    for link in (token, other):
        with pytest.raises(NotFoundError):
            reset(people, link, PASSWORD)
    with pytest.raises(UnauthenticatedError):
        enter(people)


def test_a_reset_link_takes_no_bad_password_and_stays(people: People) -> None:
    people.sign_up()
    token = ask_for_reset(people)

    with pytest.raises(InvalidInputError):
        reset(people, token, "short")

    assert people.member(reset(people, token)).email == "ann@example.com"


def test_a_new_password_by_the_old_one_ends_all_sessions_but_makes_one(people: People) -> None:
    sessions, link = [people.sign_up(), enter(people)], ask_for_reset(people)
    visitor = people.visit(sessions[0])

    entry = change_password(PASSWORD, NEW, visitor=visitor, device=DEVICE, now=people.now, ports=people.ports)

    assert [people.see(session.token) for session in sessions] == [None, None]
    assert people.member(entry) == visitor.user
    assert people.member(enter(people, NEW)) == people.member(entry)
    with pytest.raises(NotFoundError):
        reset(people, link)


def test_the_old_password_is_asked_for_and_not_endlessly(people: People) -> None:
    entry = people.sign_up()
    visitor = people.visit(entry)
    for _ in range(10):
        with pytest.raises(InvalidInputError, match="This is not your password"):
            change_password("wrong", NEW, visitor=visitor, device=DEVICE, now=people.now, ports=people.ports)

    with pytest.raises(RateLimitedError):
        change_password(PASSWORD, NEW, visitor=visitor, device=DEVICE, now=people.now, ports=people.ports)

    assert people.see(entry.token)


def test_a_name_is_changed_everywhere(people: People) -> None:
    entry = people.sign_up()
    create_own_workspace("Two", visitor=people.visit(entry), now=people.now, ports=people.ports)

    rename(" Ann Lee ", visitor=people.visit(entry), ports=people.ports)

    assert people.visit(entry).account.name == "Ann Lee"
    assert [user.name for user in people.workspaces.users()] == ["Ann Lee", "Ann Lee"]
    with pytest.raises(InvalidInputError):
        rename("", visitor=people.visit(entry), ports=people.ports)


def test_a_further_workspace_is_owned_and_entered(people: People) -> None:
    entry = people.sign_up(workspace="One")

    visitor = create_own_workspace("Two", visitor=people.visit(entry), now=people.now + timedelta(1), ports=people.ports)

    user = people.member(entry)
    assert visitor.user == user
    assert (user.role, people.workspaces.get_workspace(user.workspace_id).name) == ("owner", "Two")
    memberships = people.ports.accounts.list_memberships(visitor.account.account_id)
    assert [each.workspace.name for each in memberships] == ["One", "Two"]


def test_an_access_token_is_made_when_it_is_asked_for_and_replaces_the_one_before(people: People) -> None:
    user = people.member(people.sign_up())

    tokens = [renew_token(by=user, store=people.workspaces) for _ in range(2)]

    assert authenticate(tokens[1], store=people.workspaces).user_id == user.user_id
    with pytest.raises(UnauthenticatedError):
        authenticate(tokens[0], store=people.workspaces)


def test_whoever_has_the_access_token_of_a_user_without_account_becomes_that_user(people: People) -> None:
    made = create_workspace(name="Demo", owner_email="demo@example.com", owner_name="Demo", now=people.now, store=people.workspaces)
    entry = people.sign_up()

    joined = join_by_token(made.token, visitor=people.visit(entry), ports=people.ports)

    assert (joined.session.workspace_id, joined.user) == (made.user.workspace_id, people.member(entry))
    assert people.member(entry).user_id == made.user.user_id
    assert authenticate(made.token, store=people.workspaces).user_id == made.user.user_id
    join_by_token(made.token, visitor=people.visit(entry), ports=people.ports)


def test_a_token_of_nobody_or_of_another_account_s_user_opens_nothing(people: People) -> None:
    made = create_workspace(name="Demo", owner_email="demo@example.com", owner_name="Demo", now=people.now, store=people.workspaces)
    ann, bob = people.sign_up(), people.sign_up("bob@example.com", "Other")
    join_by_token(made.token, visitor=people.visit(ann), ports=people.ports)

    with pytest.raises(InvalidInputError, match="nobody's"):
        join_by_token("x", visitor=people.visit(bob), ports=people.ports)
    with pytest.raises(ConflictError, match="has an account already"):
        join_by_token(made.token, visitor=people.visit(bob), ports=people.ports)
    assert people.member(bob).workspace_id != made.user.workspace_id


def test_who_is_in_the_workspace_already_is_not_another_user_of_it(people: People) -> None:
    made = create_workspace(name="Demo", owner_email="demo@example.com", owner_name="Demo", now=people.now, store=people.workspaces)
    entry = people.sign_up()
    join_by_token(made.token, visitor=people.visit(entry), ports=people.ports)
    other = create_user(by=made.user, email="o@example.com", name="O", role="admin", now=people.now, store=people.workspaces)

    with pytest.raises(ConflictError, match="as another user"):
        join_by_token(other.token, visitor=people.visit(entry), ports=people.ports)
