"""The honest answer when numbers cannot say: a reason, never a neutral value such as 0, 1 or nan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Inconclusive:
    """What stands where a statistic could not be computed."""

    reason: str


def require_conclusive(found: Found | Inconclusive, *, what: str) -> Found:
    """Return what was found, where the caller has made sure that it can be computed.

    Raises:
        ArithmeticError: It cannot; the message names `what` and the reason.
    """
    if not isinstance(found, Inconclusive):
        return found
    raise ArithmeticError(f"{what} is inconclusive: {found.reason}")
