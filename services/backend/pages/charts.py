"""Charts as Vega-Lite specifications, each with the numbers that it shows, for whoever does not see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
HEIGHT = 180

Spec = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Chart:
    """A specification and its data as a table."""

    title: str
    spec: Spec
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


def build_histogram(name: str, edges: Sequence[float], counts: Sequence[float]) -> Chart:
    """Return how many rows have values between each two of the edges."""
    rows = [(low, high, count) for low, high, count in zip(edges, edges[1:], counts, strict=False)]
    values = [{"from": low, "to": high, "rows": count} for low, high, count in rows]
    encoding = {
        "x": {"field": "from", "type": "quantitative", "bin": {"binned": True}, "title": name},
        "x2": {"field": "to"},
        "y": {"field": "rows", "type": "quantitative", "title": "rows"},
        "tooltip": [
            {"field": "from", "type": "quantitative"},
            {"field": "to", "type": "quantitative"},
            {"field": "rows", "type": "quantitative"},
        ],
    }
    return Chart(f"Values of {name}", _build(values, {"mark": "bar", "encoding": encoding}), ("from", "to", "rows"), rows)


def build_ranking(name: str, values: Sequence[tuple[str, float]], *, measure: str = "rows") -> Chart:
    """Return the values by how often they are, most first."""
    data = [{"value": value, measure: count} for value, count in values]
    encoding = {
        "y": {"field": "value", "type": "nominal", "sort": None, "title": None},
        "x": {"field": measure, "type": "quantitative", "title": measure},
    }
    return Chart(name, _build(data, {"mark": "bar", "encoding": encoding}, height={"step": 18}), ("value", measure), values)


def build_bars(title: str, values: Sequence[tuple[str, float]], *, measure: str) -> Chart:
    """Return values of either sign as bars to both sides of 0, in their order."""
    data = [{"of": name, measure: value, "way": "lowers" if value < 0 else "raises"} for name, value in values]
    encoding = {
        "y": {"field": "of", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 260}},
        "x": {"field": measure, "type": "quantitative", "title": measure},
        "color": {
            "field": "way",
            "type": "nominal",
            "title": None,
            "scale": {"domain": ["raises", "lowers"], "range": ["#1a7f64", "#c2410c"]},
        },
    }
    return Chart(title, _build(data, {"mark": "bar", "encoding": encoding}, height={"step": 20}), ("of", measure), values)


def _build(values: Sequence[Mapping[str, object]], view: Spec, *, height: object = HEIGHT) -> Spec:
    config = {"background": "transparent", "view": {"stroke": None}, "font": "system-ui, sans-serif"}
    return {"$schema": SCHEMA, "width": "container", "height": height, "config": config, "data": {"values": list(values)}, **view}
