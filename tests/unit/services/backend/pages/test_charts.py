"""Every chart is valid Vega-Lite, by Altair's schema of it, and has its numbers as a table."""

import altair as alt
import jsonschema
import pytest

from services.backend.pages.charts import Chart, build_bars, build_histogram, build_ranking

CHARTS = {
    "histogram": build_histogram("spent", [0.0, 1.0, 2.0], [3, 4]),
    "ranking": build_ranking("Frequent values of shop", [("a", 3), ("b", 1)]),
    "bars": build_bars("Calls a day", [("2026-03-01", 4)], ("day", "calls")),
}


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_a_chart_is_valid(chart: Chart) -> None:
    alt.Chart.from_dict(dict(chart.spec))

    assert chart.title
    assert all(len(row) == len(chart.columns) for row in chart.rows)


def test_what_is_no_vega_lite_is_noticed() -> None:
    broken = dict(CHARTS["bars"].spec) | {"mark": "barr"}

    with pytest.raises(jsonschema.ValidationError):
        alt.Chart.from_dict(broken)


def test_a_histogram_shows_each_bin_between_its_edges() -> None:
    chart = CHARTS["histogram"]

    assert chart.rows == [(0.0, 1.0, 3), (1.0, 2.0, 4)]
    assert chart.spec["data"] == {"values": [{"from": 0.0, "to": 1.0, "rows": 3}, {"from": 1.0, "to": 2.0, "rows": 4}]}
