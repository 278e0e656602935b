"""People are invited by who may, and join as who was invited."""

from datetime import timedelta

import pytest

from presage.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError, RateLimitedError, UnauthenticatedError
from presage.tenancy.accounts import invitations
from presage.tenancy.accounts.model import LogIn
from presage.tenancy.members import change_role, remove_user
from presage.tenancy.model import Role, User
from presage.tenancy.use_cases import authenticate, create_user
from tests.fixtures.people import DEVICE, PASSWORD, People

BOB = "Bob@example.com"


def invite(people: People, by: User, email: str = BOB, role: Role = "analyst", client: str = "198.51.100.1") -> str:
    invitations.invite(email, role, by=by, client=client, now=people.now, ports=people.ports)
    return people.read_token()


def join(people: People, token: str, name: str = "Bob") -> LogIn:
    return invitations.accept_as_newcomer(token, name, PASSWORD, device=DEVICE, now=people.now, ports=people.ports)


def add(people: People, by: User, role: Role, email: str = "cid@example.com") -> User:
    return create_user(by=by, email=email, name="Cid", role=role, now=people.now, store=people.workspaces).user


def list_pending(people: People, by: User) -> list[str]:
    return [link.email for link in invitations.list_invitations(by=by, now=people.now, ports=people.ports)]


@pytest.fixture
def owner(people: People) -> User:
    return people.member(people.sign_up("ann@example.com", "Shop"))


def test_who_has_no_account_makes_one_and_joins(people: People, owner: User) -> None:
    token = invite(people, owner)
    told = invitations.read_invitation(token, now=people.now, ports=people.ports)

    entry = join(people, token)

    assert (told.inviter, told.workspace.name, told.role, told.has_account) == (owner, "Shop", "analyst", False)
    user = people.member(entry)
    assert (user.workspace_id, user.email, user.name, user.role) == (owner.workspace_id, "bob@example.com", "Bob", "analyst")
    assert people.visit(entry).account.email == BOB
    assert list_pending(people, owner) == []
    with pytest.raises(NotFoundError):
        join(people, token)


def test_who_has_an_account_joins_by_its_password(people: People, owner: User) -> None:
    own = people.member(people.sign_up(BOB, "Bobs"))
    token = invite(people, owner, "bob@EXAMPLE.com")
    assert invitations.read_invitation(token, now=people.now, ports=people.ports).has_account

    with pytest.raises(ConflictError, match="log in"):
        join(people, token)
    with pytest.raises(UnauthenticatedError):
        invitations.accept_with_password(token, "wrong", device=DEVICE, now=people.now, ports=people.ports)
    entry = invitations.accept_with_password(token, PASSWORD, device=DEVICE, now=people.now, ports=people.ports)

    user = people.member(entry)
    assert (user.workspace_id, user.role, user.account_id) == (owner.workspace_id, "analyst", own.account_id)


def test_who_is_logged_in_joins_and_is_there(people: People, owner: User) -> None:
    entry = people.sign_up(BOB, "Bobs")
    token = invite(people, owner)

    visitor = invitations.accept_invitation(token, visitor=people.visit(entry), now=people.now, ports=people.ports)

    assert visitor.user == people.member(entry)
    assert people.member(entry).workspace_id == owner.workspace_id


def test_nobody_joins_as_somebody_else(people: People, owner: User) -> None:
    eve = people.visit(people.sign_up("eve@example.com", "Eves"))
    token = invite(people, owner)

    with pytest.raises(ForbiddenError, match=r"This invitation is to Bob@example\.com"):
        invitations.accept_invitation(token, visitor=eve, now=people.now, ports=people.ports)

    assert list_pending(people, owner) == [BOB]


@pytest.mark.parametrize(("role", "wanted"), [("developer", "viewer"), ("analyst", "viewer"), ("viewer", "viewer"), ("admin", "owner")])
def test_who_may_not_add_such_a_member_may_not_invite_one(people: People, owner: User, role: Role, wanted: Role) -> None:
    with pytest.raises(ForbiddenError):
        invite(people, add(people, owner, role), role=wanted)

    assert list_pending(people, owner) == []


def test_only_who_manages_members_sees_and_withdraws_invitations(people: People, owner: User) -> None:
    token = invite(people, owner)
    (link,) = invitations.list_invitations(by=owner, now=people.now, ports=people.ports)
    developer, admin = add(people, owner, "developer"), add(people, owner, "admin", "dan@example.com")
    foreign = people.member(people.sign_up("eve@example.com", "Eves"))

    with pytest.raises(ForbiddenError):
        invitations.list_invitations(by=developer, now=people.now, ports=people.ports)
    with pytest.raises(ForbiddenError):
        invitations.withdraw_invitation(link.link_id, by=developer, now=people.now, ports=people.ports)
    with pytest.raises(NotFoundError):
        invitations.withdraw_invitation(link.link_id, by=foreign, now=people.now, ports=people.ports)
    assert list_pending(people, admin) == [BOB]

    invitations.withdraw_invitation(link.link_id, by=admin, now=people.now, ports=people.ports)

    assert list_pending(people, owner) == []
    with pytest.raises(NotFoundError):
        invitations.withdraw_invitation(link.link_id, by=admin, now=people.now, ports=people.ports)
    with pytest.raises(NotFoundError):
        join(people, token)


def test_an_owners_invitation_is_withdrawn_by_owners_only(people: People, owner: User) -> None:
    invite(people, owner, role="owner")
    (link,) = invitations.list_invitations(by=owner, now=people.now, ports=people.ports)

    with pytest.raises(ForbiddenError):
        invitations.withdraw_invitation(link.link_id, by=add(people, owner, "admin"), now=people.now, ports=people.ports)

    assert list_pending(people, owner) == [BOB]


def test_a_second_invitation_takes_the_place_of_the_first(people: People, owner: User) -> None:
    first = invite(people, owner)
    second = invite(people, owner, "bob@example.com", "developer")

    assert list_pending(people, owner) == ["bob@example.com"]
    with pytest.raises(NotFoundError):
        join(people, first)
    assert people.member(join(people, second)).role == "developer"


def test_an_invitation_lasts_seven_days(people: People, owner: User) -> None:
    token = invite(people, owner)
    people.wait(timedelta(days=7))

    assert list_pending(people, owner) == []
    with pytest.raises(NotFoundError):
        join(people, token)


@pytest.mark.parametrize("loss", ["removed", "demoted"])
def test_an_invitation_ends_with_the_right_to_send_it(people: People, owner: User, loss: str) -> None:
    admin = add(people, owner, "admin")
    token = invite(people, admin)

    if loss == "removed":
        remove_user(admin.user_id, by=owner, store=people.workspaces)
    else:
        change_role(admin.user_id, "developer", by=owner, store=people.workspaces)

    with pytest.raises(NotFoundError, match="may invite no more"):
        join(people, token)


def test_a_member_is_not_invited_again(people: People, owner: User) -> None:
    with pytest.raises(ConflictError, match="is a member"):
        invite(people, owner, "ANN@example.com")


def test_a_user_with_a_token_only_gets_an_account_and_stays_who_they_are(people: People, owner: User) -> None:
    registration = create_user(by=owner, email="bob@example.com", name="B.", role="developer", now=people.now, store=people.workspaces)

    entry = join(people, invite(people, owner, role="viewer"))

    user = people.member(entry)
    assert (user.user_id, user.role, user.name) == (registration.user.user_id, "developer", "Bob")
    assert authenticate(registration.token, store=people.workspaces) == user


def test_an_admin_gives_no_account_to_an_owner(people: People, owner: User) -> None:
    admin = add(people, owner, "admin")
    add(people, owner, "owner", "bob@example.com")

    with pytest.raises(ForbiddenError):
        invite(people, admin, role="viewer")


def test_an_account_that_was_made_meanwhile_is_not_made_again(people: People, owner: User) -> None:
    other = people.member(people.sign_up("dan@example.com", "Dans"))
    tokens = [invite(people, owner), invite(people, other)]
    join(people, tokens[0])

    with pytest.raises(ConflictError):
        join(people, tokens[1])

    entry = invitations.accept_with_password(tokens[1], PASSWORD, device=DEVICE, now=people.now, ports=people.ports)
    assert people.member(entry).workspace_id == other.workspace_id


def test_invitations_count_as_mails(people: People, owner: User) -> None:
    for _ in range(5):
        invite(people, owner)

    with pytest.raises(RateLimitedError):
        invite(people, owner)
    with pytest.raises(InvalidInputError):
        invite(people, owner, "bob")


def test_names_in_an_invitation_lead_nowhere(people: People) -> None:
    entry = people.sign_up("ann@evil.example", "Win at https://evil.example/now " + "x" * 100)

    invite(people, people.member(entry))

    text = " ".join((people.sent[-1][1].subject, *people.sent[-1][1].before, *people.sent[-1][1].after))
    assert "“ann evil example” invites you to the workspace “Win at https evil example now" in text
    assert "x" * 60 not in text
    assert [part for part in ("://", "evil.example", "ann@") if part in text] == []
