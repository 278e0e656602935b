"""Passwords hashed by Argon2id.

References:
    RFC 9106 (2021), section 4; OWASP Password Storage Cheat Sheet (2024): 19 MiB, 2 passes, 1 lane.
"""

from __future__ import annotations

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

MEMORY_KIB = 19 * 1024
PASSES = 2
LANES = 1
"""26 ms on a shared core. As many at once as an instance has threads (16) take 304 MiB of the smallest one's 2 GiB."""
_SALT, _TAG = "c29tZSBzYWx0IG9mIG5v", "bm8gcGFzc3dvcmQgaGFzIHRoaXMgdGFnLCBubyBvbmU"


class Argon2PasswordHasher:
    """`PasswordHasher` with parameters that each hash carries with it, so that they can be changed for those to come."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        """Hash at that cost; `memory_kib` and `passes` are the same for a hash of no account, which is checked in vain."""
        self._hasher = argon2.PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=LANES)
        self._decoy = f"$argon2id$v=19$m={memory_kib},t={passes},p={LANES}${_SALT}${_TAG}"

    def hash_password(self, password: str) -> str:
        """Return a new hash of it, with its salt and parameters."""
        return self._hasher.hash(password)

    def check_password(self, password: str, password_hash: str | None) -> bool:
        """Return whether the hash is of that password. None, of an account that is not there, takes as long and is False."""
        try:
            self._hasher.verify(password_hash or self._decoy, password)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Return whether it was made with other parameters than those of now."""
        return self._hasher.check_needs_rehash(password_hash)
