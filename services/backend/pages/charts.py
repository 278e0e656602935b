"""Charts as Vega-Lite specifications, each with the numbers that it shows, for whoever does not see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from presage.experiments.path import PathPoint

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
HEIGHT = 180
MOST_EXPLAINED_ITEMS = 3
SHOWN = 20
"""Of the features in a chart; the table has all."""

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


def build_bars(title: str, values: Sequence[tuple[str, float]], names: tuple[str, str]) -> Chart:
    """Return a bar a value in the order given, such as a day's; `names` are of what is told apart and of what is measured."""
    place, measure = names
    data = [{place: key, measure: value} for key, value in values]
    encoding = {
        "x": {"field": place, "type": "ordinal", "sort": None, "title": None},
        "y": {"field": measure, "type": "quantitative", "title": measure},
    }
    return Chart(title, _build(data, {"mark": "bar", "encoding": encoding}), names, values)


def build_intervals(title: str, paths: Mapping[str, Sequence[PathPoint]], *, measure: str) -> Chart:
    """Return how each arm's estimate and running interval went from look to look, against the line of no difference."""
    rows = [
        (point.number, f"{point.as_of:%Y-%m-%d %H:%M}", arm, point.lower, point.estimate, point.upper)
        for arm, points in paths.items()
        for point in points
    ]
    values = [{"arm": arm, **asdict(point), "as_of": point.as_of.isoformat()} for arm, points in paths.items() for point in points]
    time, arm = {"field": "as_of", "type": "temporal", "title": None}, {"field": "arm", "type": "nominal", "title": None}
    difference = {"field": "lower", "type": "quantitative", "title": measure}
    tooltip = [{"field": name} for name in ("arm", "number", "lower", "estimate", "upper")]
    known = [{"filter": "isValid(datum.lower)"}]
    layers = [
        {"mark": {"type": "rule", "strokeDash": [4, 4], "color": "gray"}, "encoding": {"y": {"datum": 0}}},
        {
            "mark": {"type": "area", "interpolate": "step-after", "opacity": 0.25},
            "transform": known,
            "encoding": {"x": time, "y": difference, "y2": {"field": "upper"}, "color": arm},
        },
        {
            "mark": {"type": "rule", "opacity": 0.5},
            "transform": known,
            "encoding": {"x": time, "y": difference, "y2": {"field": "upper"}, "color": arm, "tooltip": tooltip},
        },
        {
            "mark": {"type": "line", "point": True},
            "transform": [{"filter": "isValid(datum.estimate)"}],
            "encoding": {"x": time, "y": {**difference, "field": "estimate"}, "color": arm, "tooltip": tooltip},
        },
    ]
    columns = ("look", "as_of", "arm", "lower", "estimate", "upper")
    return Chart(title, _build(values, {"layer": layers}, height=2 * HEIGHT), columns, rows[::-1])


def draw_explanation(explanation: Any) -> Sequence[Chart]:  # noqa: ANN401 - decoded JSON
    """Return what moved the score from what is expected of anybody: one chart or, of a ranking, one for each of the first items."""
    if not explanation:
        return []
    if "items" not in explanation:
        return [build_contributions("What moved the score", explanation["base"], explanation["contributions"])]
    first = list(explanation["items"].items())[:MOST_EXPLAINED_ITEMS]
    return [build_contributions(f"What moved the score of {item}", found["base"], found["contributions"]) for item, found in first]


def build_contributions(title: str, base: float, contributions: Mapping[str, float]) -> Chart:
    """Return what each feature added to the score, the largest first; with `base` they add up to it."""
    ranked = sorted(contributions.items(), key=lambda found: -abs(found[1]))
    data = [{"feature": name, "contribution": value, "side": "up" if value >= 0 else "down"} for name, value in ranked[:SHOWN]]
    encoding = {
        "y": {"field": "feature", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 240}},
        "x": {"field": "contribution", "type": "quantitative", "title": f"added to {base:.4g}, what is expected of anybody"},
        "color": {"field": "side", "type": "nominal", "legend": None, "scale": {"domain": ["up", "down"], "range": ["#1a7f5a", "#b8433f"]}},
        "tooltip": [{"field": "feature"}, {"field": "contribution", "type": "quantitative"}],
    }
    rows = [("(expected of anybody)", base), *ranked]
    spec = _build(data, {"mark": "bar", "encoding": encoding}, height={"step": 20})
    return Chart(title, spec, ("feature", "contribution"), rows)


def _build(values: Sequence[Mapping[str, object]], view: Spec, *, height: object = HEIGHT) -> Spec:
    config = {"background": "transparent", "view": {"stroke": None}, "font": "system-ui, sans-serif"}
    return {"$schema": SCHEMA, "width": "container", "height": height, "config": config, "data": {"values": list(values)}, **view}
