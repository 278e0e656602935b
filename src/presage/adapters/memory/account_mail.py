"""Mails to people, kept in a list."""

from __future__ import annotations

from presage.errors import UnavailableError
from presage.tenancy.accounts.mails import Mail


class MemoryAccountMail:
    """`AccountMail` for tests: `sent` holds recipients and mails, newest last; with `is_down` nothing is taken."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Mail]] = []
        self.is_down = False

    def send(self, recipient: str, mail: Mail) -> None:
        """Keep it, or raise `UnavailableError`."""
        if self.is_down:
            raise UnavailableError("The mail could not be sent")
        self.sent.append((recipient, mail))
