"""Draws a report's curves as SVG: the same bytes for the same curves, no script, a title to be read aloud."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from io import StringIO
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from presage.training.curves import Curve

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "presage",
    "font.family": ["sans-serif"],
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
INCHES = (5.0, 4.0)
COLOUR, PALE = "#1f4e79", "#7f7f7f"


def draw_all(curves: Mapping[str, Curve]) -> dict[str, str]:
    """Return the SVG of every curve that there is a drawing of, by name."""
    return {name: _draw(name, curve) for name, curve in curves.items() if name in _DRAWINGS}


def _draw(name: str, curve: Curve) -> str:
    title, paint = _DRAWINGS[name]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=INCHES, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        axes.set_title(title, loc="left")
        paint(axes, curve)
        buffer = StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    head, start, rest = buffer.getvalue().partition("<svg ")
    return f"{head}{start}role='img' aria-label='{escape(title, quote=True)}' {rest}"


def _paint_reliability(axes: Axes, curve: Curve) -> None:
    axes.plot([0, 1], [0, 1], color=PALE, linestyle="--", linewidth=1)
    axes.plot(curve["said"], curve["happened"], color=COLOUR, marker="o", markersize=4)
    axes.set(xlabel="predicted probability", ylabel="share that happened", xlim=(0, 1), ylim=(0, 1))


def _paint_roc(axes: Axes, curve: Curve) -> None:
    axes.plot([0, 1], [0, 1], color=PALE, linestyle="--", linewidth=1)
    axes.plot(curve["false_positive_rate"], curve["true_positive_rate"], color=COLOUR)
    axes.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(0, 1), ylim=(0, 1))


def _paint_precision(axes: Axes, curve: Curve) -> None:
    axes.plot(curve["recall"], curve["precision"], color=COLOUR)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1))


def _paint_gain(axes: Axes, curve: Curve) -> None:
    axes.plot([0, 1], [0, 1], color=PALE, linestyle="--", linewidth=1)
    axes.plot(curve["share_of_rows"], curve["share_of_positives"], color=COLOUR)
    axes.set(xlabel="share of rows, likeliest first", ylabel="share of positives among them", xlim=(0, 1), ylim=(0, 1))


def _paint_residuals(axes: Axes, curve: Curve) -> None:
    axes.axhline(0, color=PALE, linestyle="--", linewidth=1)
    axes.fill_between(curve["predicted"], curve["residual_p10"], curve["residual_p90"], color=COLOUR, alpha=0.2, linewidth=0)
    axes.plot(curve["predicted"], curve["residual_p50"], color=COLOUR, marker="o", markersize=4)
    axes.set(xlabel="predicted value, by tenths of the rows", ylabel="actual - predicted: median, 10 % to 90 %")


def _paint_lists(axes: Axes, curve: Curve) -> None:
    for side, colour in (("model", COLOUR), ("baseline", PALE)):
        axes.plot(curve["shown"], curve[f"{side}_ndcg"], color=colour, label=f"{side}, NDCG")
        axes.plot(curve["shown"], curve[f"{side}_recall"], color=colour, linestyle=":", label=f"{side}, recall")
    axes.set(xlabel="items shown", ylabel="mean over lists")
    axes.legend(frameon=False)


_DRAWINGS: Mapping[str, tuple[str, Callable[[Axes, Curve], None]]] = {
    "reliability": ("Does what is said happen?", _paint_reliability),
    "roc": ("ROC", _paint_roc),
    "precision_recall": ("Precision over recall", _paint_precision),
    "gain": ("Gain", _paint_gain),
    "residuals": ("Residuals", _paint_residuals),
    "lists": ("First items of the lists", _paint_lists),
}
