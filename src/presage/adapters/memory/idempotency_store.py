"""Answers under idempotency keys, in a dictionary."""

from __future__ import annotations

from threading import Lock

from presage.errors import UnavailableError
from presage.tenancy.keyed_call import Answer, Claim, Held


class MemoryIdempotencyStore:
    """`IdempotencyStore` of one process. While `down`, every call raises `UnavailableError`."""

    def __init__(self) -> None:
        """Start without keys."""
        self._held: dict[tuple[str, str, str], tuple[Claim, Answer | None]] = {}
        self._lock = Lock()
        self.down = False

    def claim(self, claim: Claim) -> Held | None:
        """Take the key and return None, or return what holds it."""
        self._answer()
        with self._lock:
            first, answer = self._held.get(_name(claim), (None, None))
            if first is not None and not _is_free(first, answer, claim):
                return Held(first.call.fingerprint, answer)
            self._held[_name(claim)] = claim, None
        return None

    def keep(self, claim: Claim, answer: Answer) -> None:
        """Keep the answer, unless the claim was lost."""
        self._answer()
        with self._lock:
            if self._is_held_by(claim):
                self._held[_name(claim)] = claim, answer

    def release(self, claim: Claim) -> None:
        """Free the key, unless the claim was lost."""
        self._answer()
        with self._lock:
            if self._is_held_by(claim):
                del self._held[_name(claim)]

    def _is_held_by(self, claim: Claim) -> bool:
        first, _ = self._held.get(_name(claim), (None, None))
        return first is not None and first.holder == claim.holder

    def _answer(self) -> None:
        if self.down:
            raise UnavailableError("The store of idempotency keys is down")


def _name(claim: Claim) -> tuple[str, str, str]:
    return claim.call.workspace_id, claim.call.route, claim.call.key


def _is_free(first: Claim, answer: Answer | None, claim: Claim) -> bool:
    if first.expires_at <= claim.taken_at:
        return True
    return answer is None and first.lease_until <= claim.taken_at and first.call.fingerprint == claim.call.fingerprint
