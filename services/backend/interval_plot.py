"""Draws how an experiment's interval narrowed, as an SVG: the same bytes for the same looks, no script, a title to be read aloud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import StringIO
from itertools import cycle
from math import nan
from threading import Lock
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from presage.experiments.path import PathPoint

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "presage",
    "font.family": ["sans-serif"],
    "text.parse_math": False,
    "date.converter": "concise",
    "axes.spines.top": False,
    "axes.spines.right": False,
}
"""Text stays text, dollar signs too, and ids are hashes of what they name instead of random ones."""
_DRAWING = Lock()
"""Matplotlib's settings are the process's: two drawings at once would take them from each other."""
INCHES = (8.0, 4.0)
COLOURS = ("#1f4e79", "#b35c00", "#2f7d32", "#7b2d8b", "#8c1c13")
"""An arm each, as many as a plan may have."""
EDGE_COLOUR = "#7f7f7f"


@dataclass(frozen=True, slots=True)
class PlotText:
    """What the plot says: `title` in one line, `description` in sentences for whoever cannot see it."""

    title: str
    description: str
    metric: str


def draw_interval_paths(paths: Mapping[str, Sequence[PathPoint]], text: PlotText) -> str:
    """Return the SVG of each arm's estimates and of the running interval around them; the line at 0 is "no difference"."""
    with _DRAWING, mpl.rc_context(STYLE):
        figure = Figure(figsize=INCHES, layout="constrained")
        FigureCanvasSVG(figure)
        _draw(figure, paths, text)
        buffer = StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _name(buffer.getvalue(), text)


def _draw(figure: Figure, paths: Mapping[str, Sequence[PathPoint]], text: PlotText) -> None:
    axes = figure.add_subplot()
    axes.axhline(0.0, color=EDGE_COLOUR, linewidth=1.0, linestyle="--")
    for colour, (arm, points) in zip(cycle(COLOURS), paths.items(), strict=False):
        _draw_path(axes, points, colour=colour, arm=f"{arm}, " if len(paths) > 1 else "")
    axes.set_title(text.title, loc="left")
    axes.set_ylabel(f"{text.metric}: {'arm' if len(paths) > 1 else 'treatment'} - control")
    axes.legend(loc="upper right", frameon=False)


def _draw_path(axes: Axes, points: Sequence[PathPoint], *, colour: str, arm: str) -> None:
    times = np.array([point.as_of.replace(tzinfo=None) for point in points], dtype="datetime64[us]")
    lower, upper = ([nan if bound is None else bound for bound in bounds] for bounds in _list_bounds(points))
    axes.fill_between(times, lower, upper, step="post", color=colour, alpha=0.2, linewidth=0, label=f"{arm}interval")
    axes.plot(times, lower, drawstyle="steps-post", color=colour, linewidth=0.8)
    axes.plot(times, upper, drawstyle="steps-post", color=colour, linewidth=0.8)
    estimates = [nan if point.estimate is None else point.estimate for point in points]
    axes.plot(times, estimates, color=colour, linewidth=1.5, marker="o", markersize=2.5, label=f"{arm}estimate")


def _list_bounds(points: Sequence[PathPoint]) -> tuple[list[float | None], list[float | None]]:
    return [point.lower for point in points], [point.upper for point in points]


def _name(svg: str, text: PlotText) -> str:
    """Return the SVG as one image with a title and a description, which Matplotlib knows no way to ask for."""
    head, start, rest = svg.partition("<svg ")
    attributes, end, body = rest.partition(">")
    labels = f"<title id='title'>{escape(text.title)}</title><desc id='description'>{escape(text.description)}</desc>"
    return f"{head}{start}role='img' aria-labelledby='title description' {attributes}{end}\n{labels}{body}"
