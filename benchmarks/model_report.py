"""Writes docs/models.md: what was found, in tables and plots, none of it by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localstack.places import ROOT
from presage.training.evaluation import LEVEL, RESAMPLES, Estimate

REPORT = ROOT / "docs" / "models.md"
PLOTS = ROOT / "docs" / "models"
TITLES = {
    "movielens": "MovieLens 100k: which ten films a user rates within a week",
    "cdnow": "CDNOW: whether a customer buys again within 90 days",
}

INTRODUCTION = (
    "Written by `make report`; change that, not this. Data and definitions are the demo's, with all of the data known. Training sets "
    "are built by the product's Spark step, models by its trainer; peers run in environments of their own, at the versions of "
    "`benchmarks/requirements`, at their defaults but for 32 factors. All are judged on the same test split: later in time, and of "
    f"other entities than the train split. Intervals are of {LEVEL:.0%}, by {RESAMPLES:,} resamples of whole entities; differences are "
    "paired."
)


@dataclass(frozen=True)
class Table:
    """The metrics of all, and by how much ours is ahead of each other in the one that decides (positive: better)."""

    title: str
    primary: str
    found: dict[str, dict[str, Estimate]]
    ahead: dict[str, Estimate]


@dataclass(frozen=True)
class Contest:
    """What was found on one product's data."""

    name: str
    primary: str
    ours: Estimate
    tables: Sequence[Table]
    report: dict[str, Any]
    plots: dict[str, str]
    card: str
    note: str


def write_report(contests: Sequence[Contest]) -> Path:
    """Write the report and its plots, and return where."""
    PLOTS.mkdir(exist_ok=True)
    parts = ["# Models beside baselines and libraries", INTRODUCTION]
    for contest in contests:
        for name, svg in contest.plots.items():
            (PLOTS / f"{contest.name}-{name}.svg").write_text(svg)
        (PLOTS / f"{contest.name}-card.md").write_text(contest.card.replace("](plots/", f"]({contest.name}-"))
        parts += _write_contest(contest)
    REPORT.write_text("\n\n".join(parts) + "\n")
    return REPORT


def _write_contest(contest: Contest) -> list[str]:
    metrics, search = contest.report["metrics"], contest.report["search"]
    rows = ", ".join(f"{name} {count:,}" for name, count in metrics["rows"].items())
    tried = ", ".join(f"{trial['algorithm']} {trial['merit']:.4g}" for trial in search["board"])
    verdict = "is shown to beat" if metrics["verdict"]["beats_baseline"] else "is not shown to beat"
    return [
        f"## {TITLES[contest.name]}",
        f"Rows: {rows}. Test entities: {metrics['entities']['test']:,}. Chosen: {search['algorithm']}"
        + (f", of these by {contest.primary} on left-out entities of the train split: {tried}" if tried else "")
        + f". By {contest.primary} it {verdict} its baseline. {contest.note} [Its card](models/{contest.name}-card.md).",
        *[part for table in contest.tables for part in _write_table(table)],
        "\n".join(f"![{name}](models/{contest.name}-{name}.svg)" for name in contest.plots),
    ]


def _write_table(table: Table) -> list[str]:
    names = list(next(iter(table.found.values())))
    lines = [f"| | {' | '.join(names)} | presage ahead by {table.primary} |", "|---" * (len(names) + 2) + "|"]
    for who, found in table.found.items():
        cells = [f"{found[names[0]].value:.4f} [{found[names[0]].lower:.4f}, {found[names[0]].upper:.4f}]"]
        cells += [f"{found[name].value:.4f}" for name in names[1:]]
        lines.append(f"| {who} | {' | '.join(cells)} | {_write_ahead(table.ahead.get(who))} |")
    return [f"### {table.title[0].upper()}{table.title[1:]}", "\n".join(lines)]


def _write_ahead(gain: Estimate | None) -> str:
    if gain is None:
        return ""
    word = "ahead" if gain.lower > 0 else "behind" if gain.upper < 0 else "not told apart"
    return f"{gain.value:+.4f} [{gain.lower:+.4f}, {gain.upper:+.4f}], {word}"
