"""Links in mails: the same whoever asks, once, not for long, and to nobody else."""

from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest

from presage.adapters.memory.account_mail import MemoryAccountMail
from presage.errors import InvalidInputError, NotFoundError, RateLimitedError, UnavailableError
from presage.tenancy.accounts.links import ask_for_link, open_link, require_mailbox
from presage.tenancy.accounts.model import Account, LinkKind
from presage.tenancy.accounts.ports import AccountPorts
from tests.fixtures.metadata_rows import NOW
from tests.fixtures.people import People

Wanted = Literal["sign_up", "reset"]


def ask(people: People, email: str, wanted: Wanted = "sign_up", client: str = "203.0.113.7") -> None:
    ask_for_link(email, wanted=wanted, client=client, now=people.now, ports=people.ports)


@pytest.mark.parametrize(
    ("wanted", "known", "subject", "path"),
    [
        ("sign_up", False, "Your Presage account", "/sign-up/"),
        ("sign_up", True, "You have a Presage account", "/reset/"),
        ("reset", False, "There is no Presage account of this address", "/sign-up/"),
        ("reset", True, "A new password for Presage", "/reset/"),
    ],
)
def test_every_address_gets_one_mail_with_one_link_that_it_can_use(
    people: People,
    wanted: Wanted,
    known: bool,  # noqa: FBT001 - a case
    subject: str,
    path: str,
) -> None:
    people.sign_up("ann@example.com")
    people.sent.clear()

    ask(people, "Ann@Example.com" if known else "new@example.com", wanted)

    ((recipient, mail),) = people.sent
    assert recipient == ("ann@example.com" if known else "new@example.com")
    assert mail.subject == subject
    assert mail.link.startswith(f"https://app.presage.example{path}")
    kind: LinkKind = "reset" if known else "sign_up"
    assert open_link(people.read_token(), kind, now=people.now, ports=people.ports).email == recipient


def test_a_mail_about_an_account_goes_to_its_own_address_and_not_to_one_that_is_spelt_alike(people: People) -> None:
    people.sign_up("Ann.Lee@example.com")

    ask(people, "ann.lee@EXAMPLE.com", "reset")

    assert people.sent[-1][0] == "Ann.Lee@example.com"


@pytest.mark.parametrize(("kind", "hours"), [("sign_up", 24), ("reset", 1)])
def test_a_link_works_until_its_time_is_over_and_as_what_it_is(people: People, kind: Wanted, hours: int) -> None:
    if kind == "reset":
        people.sign_up("ann@example.com")
    ask(people, "ann@example.com", kind)
    token, end = people.read_token(), people.now + timedelta(hours=hours)

    assert open_link(token, kind, now=end - timedelta(seconds=1), ports=people.ports).kind == kind
    other: LinkKind = "sign_up" if kind == "reset" else "reset"
    for now, wrong, text in (
        (end, kind, token),
        (people.now, other, token),
        (people.now, "invitation", token),
        (people.now, kind, f"{token}x"),
    ):
        with pytest.raises(NotFoundError, match="This link does not work"):
            open_link(text, wrong, now=now, ports=people.ports)


def test_without_a_mail_there_is_no_link(people: People) -> None:
    class Remembering(MemoryAccountMail):
        token = ""

        def send(self, recipient: str, mail: object) -> None:
            self.token = str(getattr(mail, "link", "")).rpartition("/")[2]
            assert open_link(self.token, "sign_up", now=people.now, ports=people.ports).email == recipient
            raise UnavailableError("SES does not answer")

    mail = Remembering()
    ports: AccountPorts = replace(people.ports, mail=mail)

    with pytest.raises(UnavailableError):
        ask_for_link("new@example.com", wanted="sign_up", client="203.0.113.7", now=people.now, ports=ports)

    with pytest.raises(NotFoundError):
        open_link(mail.token, "sign_up", now=people.now, ports=people.ports)


def test_an_address_gets_five_mails_and_then_one_every_twelve_minutes(people: People) -> None:
    for number in range(5):
        ask(people, "new@example.com", client=f"198.51.100.{number}")

    with pytest.raises(RateLimitedError) as refused:
        ask(people, "NEW@example.com", client="198.51.100.9")

    assert 700 < refused.value.retry_after_seconds <= 720
    assert len(people.sent) == 5


def test_a_client_lets_thirty_mails_be_sent(people: People) -> None:
    for number in range(30):
        ask(people, f"{number}@example.com", client="2001:db8:1:2::1")

    with pytest.raises(RateLimitedError):
        ask(people, "next@example.com", client="2001:db8:1:2:ffff::9")
    ask(people, "next@example.com", client="2001:db8:1:3::1")


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ann",
        "ann@",
        "ann@example",
        "ann@exa mple.com",
        "ann@example.com,eve@example.com",
        "straße@example.com",
        "a\r\nbcc:e@x.com",
        "<a@x.com>",
        f"{'a' * 65}@x.com",
        "a@-x.com",
    ],
)
def test_what_is_no_address_gets_no_mail(people: People, email: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        ask(people, email)

    assert refused.value.path == "$.email"
    assert people.sent == []


def test_an_address_is_kept_as_it_was_typed() -> None:
    assert require_mailbox("  Ann.O'Neil+x@Mail.Example.com ") == "Ann.O'Neil+x@Mail.Example.com"


def test_what_is_kept_of_a_link_does_not_open_it(people: People) -> None:
    token = people.ask("new@example.com")
    link = open_link(token, "sign_up", now=people.now, ports=people.ports)

    assert token not in repr(link)
    assert token not in repr(Account("acc", "a@x.com", "A", "h", NOW))
