"""Passwords hashed at once, for tests."""

from __future__ import annotations

import hashlib


class MemoryPasswordHasher:
    """`PasswordHasher` for tests: quick, and so no protection. `version` stands for its parameters."""

    def __init__(self, version: int = 1) -> None:
        self.version = version

    def hash_password(self, password: str) -> str:
        """Return a new hash of it."""
        return f"{self.version}${hashlib.sha256(password.encode()).hexdigest()}"

    def check_password(self, password: str, password_hash: str | None) -> bool:
        """Return whether the hash is of that password."""
        return password_hash is not None and password_hash.partition("$")[2] == hashlib.sha256(password.encode()).hexdigest()

    def is_outdated(self, password_hash: str) -> bool:
        """Return whether it was made by another version."""
        return not password_hash.startswith(f"{self.version}$")
