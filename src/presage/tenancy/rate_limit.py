"""How often an API key may call: the generic cell rate algorithm, whose whole state is one time.

References:
    ITU-T I.371 (2004), annex A: the virtual scheduling form of the GCRA.
"""

from __future__ import annotations

import math

import msgspec

_ROUNDING = 1e-6
"""What is less than this is no excess and no missing part: of seconds, and of calls."""


class RateLimit(msgspec.Struct, frozen=True):
    """What a plan allows: `per_second` calls sustained, `burst` calls at once."""

    per_second: float
    burst: int


class RateVerdict(msgspec.Struct, frozen=True, gc=False):
    """Whether a call may go on, and what its headers say: calls left, seconds until all are back, seconds until one is."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: float
    retry_after_seconds: float = 0.0


def judge_call(arrival: float, limit: RateLimit, *, now: float) -> tuple[RateVerdict, float]:
    """Return the verdict on a call at `now`, and the theoretical arrival time to keep for the next one.

    `arrival` is what was kept after the last call, 0 at first; both are seconds of one clock. An arrival that this limit cannot
    have left (another limit's, or another clock's) counts as a full bucket's.
    """
    interval = 1.0 / limit.per_second
    window = interval * limit.burst
    last = min(max(arrival, now), now + window)
    after = last + interval
    excess = after - now - window
    if excess > _ROUNDING:
        return RateVerdict(allowed=False, limit=limit.burst, remaining=0, reset_seconds=last - now, retry_after_seconds=excess), last
    remaining = math.floor((window - (after - now)) * limit.per_second + _ROUNDING)
    return RateVerdict(allowed=True, limit=limit.burst, remaining=remaining, reset_seconds=after - now), after
