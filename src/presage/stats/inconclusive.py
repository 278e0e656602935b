"""The honest answer when numbers cannot say: a reason, never a neutral value such as 0, 1 or nan."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Inconclusive:
    """What stands where a statistic could not be computed."""

    reason: str
