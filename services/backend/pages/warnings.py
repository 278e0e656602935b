"""What of a version's statistics is worth a second look before a model is built on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MANY_NULLS = 0.2
NEARLY_UNIQUE = 0.98
DOMINANT = 0.99
RELATED = 0.98
LATE_SECONDS = 30 * 86_400
FEW_ROWS = 100


@dataclass(frozen=True, slots=True)
class Warning:  # noqa: A001 - the word that users see
    """What was noticed of a column (empty: of the whole), and what it may mean."""

    column: str
    text: str


def list_warnings(summary: Mapping[str, Any]) -> Sequence[Warning]:
    """Return what is worth a look in a version's summary."""
    return [
        *_look_at_all(summary),
        *(each for column in summary["columns"] for each in _look_at(column, summary["rows"])),
        *_relate(summary),
    ]


def _look_at_all(summary: Mapping[str, Any]) -> Iterator[Warning]:
    if summary["rows"] < FEW_ROWS:
        yield Warning("", f"There are {summary['rows']:,} rows: too few for most models.")
    if summary["rows"] and summary["entities"] >= NEARLY_UNIQUE * summary["rows"] and summary["rows"] >= FEW_ROWS:
        yield Warning("", "Nearly every record is of another entity: there is no history to learn from.")
    late = summary["known_after_event_seconds"]["quantiles"].get("0.5")
    if late is not None and late > LATE_SECONDS:
        yield Warning(
            "",
            f"Half of the records became known more than {late / 86_400:,.0f} days after they were true; only then may a model use them.",
        )


def _look_at(column: Mapping[str, Any], rows: int) -> Iterator[Warning]:
    name, present = column["name"], rows - column["nulls"]
    if rows and column["nulls"] / rows > MANY_NULLS:
        yield Warning(name, f"{column['nulls'] / rows:.0%} of the rows have no value.")
    if not present:
        return
    if column["distinct"] == 1:
        yield Warning(name, "All values are the same: it can tell nothing.")
    if column["type"] == "string" and present >= FEW_ROWS and column["distinct"] >= NEARLY_UNIQUE * present:
        yield Warning(name, "Nearly every value is another: it looks like an identifier, not a property.")
    top = column.get("top_values") or []
    if column["distinct"] > 1 and top and top[0]["count"] > DOMINANT * present:
        yield Warning(name, f"{top[0]['count'] / present:.1%} of the values are {top[0]['value']!s:.40}.")


def _relate(summary: Mapping[str, Any]) -> Iterator[Warning]:
    for each in summary["correlations"]:
        if abs(each["correlation"]) >= RELATED:
            first, second = each["columns"]
            yield Warning(first, f"It moves with {second} (correlation {each['correlation']:.3f}): one of them may be left out.")
