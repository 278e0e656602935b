"""What is told of a version's day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from presage.drift.comparison import ColumnDrift

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The predictions that a version made on a UTC day against what it was trained on.

    `report_id` is the day; that of a day that was not over has the time of the check behind it, and counts what was there by then.
    `predictions` were read, `entities` of them are compared, by the first of each. `complete` is false when the day had more than are
    read. `alpha` is this day's share of the chance of a false alarm, divided among the columns.
    """

    schema: int
    report_id: str
    model_id: str
    version: int
    training_set_id: str
    day: date
    checked_at: datetime
    predictions: int
    entities: int
    complete: bool
    alpha: float
    tolerance: float
    columns: tuple[ColumnDrift, ...]

    @property
    def drifted(self) -> tuple[str, ...]:
        """The names of the columns that drifted, the farthest first."""
        found = sorted((column for column in self.columns if column.state == "drifted"), key=lambda column: -column.distance)
        return tuple(column.name for column in found)
