"""What of a version's statistics is worth a second look."""

from typing import Any

import pytest

from services.backend.pages.warnings import list_warnings


def build_summary(*columns: dict[str, Any], **changes: object) -> dict[str, Any]:
    delay = {"quantiles": {"0.5": 0.0}}
    whole = {"rows": 1000, "entities": 200, "known_after_event_seconds": delay, "correlations": [], "columns": list(columns)}
    return whole | changes


def build_column(**changes: object) -> dict[str, Any]:
    return {"name": "shop", "type": "string", "nulls": 0, "distinct": 5, "top_values": [{"value": "a", "count": 300}]} | changes


def test_nothing_is_said_of_what_is_fine() -> None:
    assert list_warnings(build_summary(build_column())) == []
    assert list_warnings(build_summary(build_column(), rows=0, entities=0, known_after_event_seconds={"quantiles": {"0.5": None}}))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"nulls": 201}, "20% of the rows have no value"),
        ({"nulls": 1000}, "100% of the rows have no value"),
        ({"distinct": 1}, "All values are the same"),
        ({"distinct": 990}, "looks like an identifier"),
        ({"top_values": [{"value": "a", "count": 995}]}, "99.5% of the values are a"),
    ],
)
def test_a_column_is_warned_of(changes: dict[str, Any], said: str) -> None:
    (warning,) = list_warnings(build_summary(build_column(**changes)))

    assert warning.column == "shop"
    assert said in warning.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rows": 7}, "too few"),
        ({"entities": 1000}, "no history"),
        ({"known_after_event_seconds": {"quantiles": {"0.5": 90 * 86_400.0}}}, "90 days after"),
        ({"correlations": [{"columns": ["a", "b"], "correlation": -0.999, "rows": 9}]}, "moves with b"),
    ],
)
def test_the_whole_is_warned_of(changes: dict[str, Any], said: str) -> None:
    (warning,) = list_warnings(build_summary(**changes))

    assert said in warning.text
