"""What the mails to people say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from presage.tenancy.model import Role

_LINKING = re.compile(r"[./:@\\](?=\S)")
"""What makes a mail program take a word for an address."""
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail of one link. `before` and `after` are the paragraphs around it; none of them holds what could be taken for another link."""

    subject: str
    before: tuple[str, ...]
    link: str
    after: tuple[str, ...]


def build_sign_up_mail(link: str) -> Mail:
    """Return the mail to somebody without an account who wants one."""
    return Mail(
        "Your Presage account",
        ("Somebody, probably you, wants an account at Presage with this address. Go on here within 24 hours:",),
        link,
        ("If it was not you, there is nothing to do: without this link there will be no account.",),
    )


def build_known_address_mail(link: str) -> Mail:
    """Return the mail to somebody who wants an account and has one."""
    return Mail(
        "You have a Presage account",
        (
            "Somebody, probably you, wants an account at Presage with this address. There is one already: log in with its password.",
            "If you have forgotten that, choose a new one here within an hour:",
        ),
        link,
        ("If it was not you, there is nothing to do: nothing was changed.",),
    )


def build_reset_mail(link: str) -> Mail:
    """Return the mail to somebody who has forgotten their password."""
    return Mail(
        "A new password for Presage",
        ("Somebody, probably you, wants a new password for the Presage account of this address. Choose one here within an hour:",),
        link,
        ("If it was not you, there is nothing to do: the password stays as it is.",),
    )


def build_unknown_address_mail(link: str) -> Mail:
    """Return the mail to somebody who wants a new password and has no account."""
    return Mail(
        "There is no Presage account of this address",
        (
            "Somebody, probably you, wants a new password for a Presage account of this address. There is none.",
            "Perhaps your account has another address. To make an account with this one, go on here within 24 hours:",
        ),
        link,
        ("If it was not you, there is nothing to do: without this link there will be no account.",),
    )


def build_invitation_mail(link: str, *, inviter: str, workspace: str, role: Role) -> Mail:
    """Return the mail that asks somebody into a workspace. Names that people chose are told so that they lead nowhere."""
    return Mail(
        "You are invited to a workspace at Presage",
        (f"{tame(inviter)} invites you to the workspace {tame(workspace)} at Presage, as {role}. Join it here within 7 days:",),
        link,
        ("If you do not know what this is about, there is nothing to do: nobody joins without this link.",),
    )


def tame(name: str) -> str:
    """Return what somebody typed as something short that no mail program makes a link of: they may want to send mail in our name."""
    shown = " ".join(_LINKING.sub(" ", name).split())
    return f"“{shown[:_SHOWN]}…”" if len(shown) > _SHOWN else f"“{shown}”"
