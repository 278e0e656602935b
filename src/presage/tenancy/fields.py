"""Names and addresses, as people type them."""

from __future__ import annotations

import re

from presage.errors import InvalidInputError

NAME_LENGTH = 200
EMAIL_LENGTH = 254
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def require_name(name: str, path: str) -> str:
    """Return the name without the white space around it.

    Raises:
        InvalidInputError: It is empty or too long, or has what is not printed.
    """
    name = name.strip()
    if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable():
        raise InvalidInputError(f"A name has 1 to {NAME_LENGTH} printable characters, got {len(name)} of them", path=path)
    return name


def require_email(email: str, path: str) -> str:
    """Return the address as it is kept of a user, in lower case.

    Raises:
        InvalidInputError: It is none.
    """
    email = email.strip().lower()
    if len(email) > EMAIL_LENGTH or not EMAIL.fullmatch(email):
        raise InvalidInputError(f"Expected an email address such as a@example.com, got {email[:EMAIL_LENGTH]!r}", path=path)
    return email
