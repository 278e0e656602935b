"""Which passwords are taken.

References:
    NIST SP 800-63B-4 (2025), 3.1.1.2: at least 15 characters, at least 64 permitted, no rules on kinds of characters, a blocklist, NFC.
"""

from __future__ import annotations

import unicodedata

from presage.errors import InvalidInputError
from presage.tenancy.accounts.model import fold_email

MIN_LENGTH = 15
MAX_LENGTH = 256
"""More than anybody types; a bound on what is hashed."""
_LONGEST_PIECE = 8
_RUNS = ("01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm")
_COMMON = frozenset(
    {
        "changemechangeme",
        "correcthorsebatterystaple",
        "correct horse battery staple",
        "iloveyouiloveyou",
        "letmeinletmeinletmein",
        "passwordpassword1",
        "password123456789",
        "qwerty1234567890",
        "qwertyuiop123456",
        "qwertyuiop1234567890",
        "1q2w3e4r5t6y7u8i9o0p",
        "1qaz2wsx3edc4rfv",
        "1qaz2wsx3edc4rfv5tgb",
        "thisismypassword",
        "this is my password",
        "mypasswordispassword",
        "administratoradministrator",
        "welcometopresage",
        "presagepassword",
        "trustno1trustno1",
    }
)


def require_password(password: str, *, email: str) -> str:
    """Return the password in the one form in which it is hashed and checked, whatever keyboard it came from.

    Raises:
        InvalidInputError: It is too short or too long, the account's address, or one that is guessed first.
    """
    password = normalise(password)
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise InvalidInputError(f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters, got {len(password)}", path="$.password")
    folded = password.casefold()
    if folded.strip() == fold_email(email) or _is_common(folded):
        raise InvalidInputError("This password would be guessed; take a few words that are not found together", path="$.password")
    return password


def normalise(password: str) -> str:
    """Return the password with each character in its composed form: keyboards differ in how they write the same one."""
    return unicodedata.normalize("NFC", password)


def _is_common(folded: str) -> bool:
    runs = (run for each in _RUNS for run in (each, each[::-1]))
    is_repeated = any(folded[length:] == folded[:-length] for length in range(1, _LONGEST_PIECE + 1))
    return is_repeated or folded in _COMMON or any(folded in run for run in runs)
