"""How an interval narrowed from look to look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PathPoint:
    """The estimate of one look and the interval of all looks up to it, in the metric's unit; None before they exist."""

    number: int
    as_of: datetime
    estimate: float | None
    lower: float | None
    upper: float | None
