"""A call that its sender gave an idempotency key, and what is kept under the key."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

KEEP = timedelta(hours=24)
LEASE = timedelta(seconds=60)
"""How long a call may be under way; the gateway gives one up after 29 s."""


class KeyedCall(msgspec.Struct, frozen=True):
    """A call by its key, which counts in its workspace and on its route only. `fingerprint` tells other parameters."""

    workspace_id: str
    route: str
    key: str
    fingerprint: str


class Claim(msgspec.Struct, frozen=True):
    """The hold that one attempt of a call has on its key. `holder` is its own; it is lost at `lease_until` if nothing was kept."""

    call: KeyedCall
    holder: str
    taken_at: datetime

    @property
    def lease_until(self) -> datetime:
        """Return when the claim is free for another attempt of the same call."""
        return self.taken_at + LEASE

    @property
    def expires_at(self) -> datetime:
        """Return when the key is free for any call."""
        return self.taken_at + KEEP


class Answer(msgspec.Struct, frozen=True):
    """What was answered."""

    status: int
    content_type: str
    body: bytes


class Held(msgspec.Struct, frozen=True):
    """What stands in the way of a claim: the call that has the key, and its answer, None while it is under way."""

    fingerprint: str
    answer: Answer | None
