"""The mails that the emulated SES took, which nobody delivers."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any


def read_mails(emulator_url: str, recipient: str | None = None) -> list[dict[str, Any]]:
    """Return the mails to that address, however it is spelt, or all of them, oldest first."""
    with urllib.request.urlopen(f"{emulator_url}/_ministack/ses/messages") as answer:  # noqa: S310 - our own loopback address
        found = list(_list_mails(json.load(answer)))
    wanted = None if recipient is None else recipient.casefold()
    return [mail for mail in found if wanted is None or wanted in map(str.casefold, mail["To"])]


def describe(mail: dict[str, Any]) -> str:
    """Return a mail as it is read: to whom, about what, and its text."""
    return f"To: {', '.join(mail['To'])}\nSubject: {mail['Subject']}\n\n{mail['BodyText'].strip()}\n"


def _list_mails(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - by account, and by region
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _list_mails(part)
