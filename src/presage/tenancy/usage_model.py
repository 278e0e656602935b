"""What a usage plan allows, and what was used of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class PlanLimits:
    """A usage plan at the gateway; None where it sets no limit."""

    calls_per_second: float | None
    burst: int | None
    calls_per_month: int | None


@dataclass(frozen=True, slots=True)
class DailyUsage:
    """The calls of a key on a day (UTC), and how many of the month's were left then; None without a quota."""

    day: date
    used: int
    remaining: int | None
