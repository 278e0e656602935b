"""The model card: what a version predicts, from which data, how well, and where not to trust it.

References: Mitchell et al. (2019), Model cards for model reporting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from presage.training.artifact import ModelArtifact
from presage.training.recipe import Recipe, from_microseconds
from presage.training.spec import Label, ModelSpec

Json = Mapping[str, Any]
_AGGREGATES = {"count": "how many records", "sum": "the sum of", "mean": "the mean of"}


class Card(msgspec.Struct, frozen=True):
    """A model card. `inputs` and `leak_summary` are as the training set's manifest tells them."""

    model_id: str
    version: int
    kind: str
    predicts: str
    algorithm: Json
    training_set: Json
    inputs: Json
    observations: Json
    metrics: Json
    segments: Json
    features: tuple[str, ...]
    plots: tuple[str, ...]
    limits: tuple[str, ...]
    leak_summary: Json | None = None


def build_card(artifact: ModelArtifact, recipe: Recipe, manifest: Json, *, report: Json, plots: tuple[str, ...]) -> Card:
    """Return the card of a version whose `report` was made, from its training set's recipe and manifest."""
    datasets = {name: {"dataset_id": data.dataset_id, "version": data.version} for name, data in sorted(recipe.datasets.items())}
    return Card(
        model_id=artifact.model_id,
        version=artifact.version,
        kind=artifact.spec.kind,
        predicts=describe_label(artifact.spec),
        algorithm=report["search"],
        training_set={
            "training_set_id": artifact.training_set_id,
            "cutoff": from_microseconds(recipe.cutoff_us).isoformat(),
            "code_version": recipe.code_version,
        },
        inputs=datasets,
        observations=manifest.get("observations", {}),
        metrics=report["metrics"],
        segments=report["segments"],
        features=artifact.columns,
        plots=plots,
        limits=_list_limits(artifact.spec, report["metrics"]),
        leak_summary=manifest.get("leak_report"),
    )


def describe_label(spec: ModelSpec) -> str:
    """Return what is predicted, in a sentence."""
    label = spec.label
    asked = f"asked at records of {spec.observations.dataset!r}, within {label.window_days} days by records of {label.dataset!r}"
    if spec.kind == "ranking":
        return f"Which {label.item_column!r} an entity takes, {spec.list_length} in order; {asked}."
    if spec.kind == "regression":
        return f"{_describe_aggregate(label)} an entity has; {asked}."
    if label.class_column is not None:
        absent = f", {label.absent_class!r} without any" if label.absent_class is not None else "; who has none is left out"
        return f"The {label.class_column!r} of an entity's first record{absent}; {asked}."
    return f"Whether an entity has a record (1) or not (0); {asked}."


def _describe_aggregate(label: Label) -> str:
    named = _AGGREGATES[label.aggregate or "count"]
    return (f"{named} {label.value_column!r}" if label.value_column else named).capitalize()


def _list_limits(spec: ModelSpec, metrics: Json) -> tuple[str, ...]:
    limits = [
        "Metrics are of a model fitted on the train split; the registered one was fitted in the same way on all rows.",
        "The test split is later in time, and of other entities; intervals resample entities, not what changes in the world.",
        "Predictions are not shown to cause anything: an experiment measures that.",
    ]
    if spec.kind == "ranking":
        limits.append("Trained on sampled negatives: scores order items of one list, and are no shares of those who take an item.")
    if not metrics["verdict"]["beats_baseline"]:
        limits.append("It is not shown to beat its baseline on the test split.")
    return tuple(limits)


def write_card(card: Card) -> str:
    """Return the card as Markdown."""
    parts = [
        f"# Model card: {card.model_id}, version {card.version}",
        card.predicts,
        _write_facts(card),
        "## Metrics on the test split",
        _write_metrics(card.metrics),
        *_write_segments(card.segments),
        "## Observations",
        "\n".join(f"- {name}: {count:,}" for name, count in sorted(card.observations.items())) or "not counted",
        *(["## Leaks that a naive join would have had", f"```json\n{_encode(card.leak_summary)}\n```"] if card.leak_summary else []),
        "## Features",
        ", ".join(f"`{name}`" for name in card.features),
        *(["## Plots", "\n".join(f"![{name}](plots/{name}.svg)" for name in card.plots)] if card.plots else []),
        "## Limits",
        "\n".join(f"- {limit}" for limit in card.limits),
    ]
    return "\n\n".join(parts) + "\n"


def _write_facts(card: Card) -> str:
    inputs = ", ".join(f"{name} version {data['version']}" for name, data in card.inputs.items())
    verdict = card.metrics["verdict"]
    settings = ", ".join(f"{name} {value:g}" for name, value in card.algorithm["settings"].items())
    return "\n".join(
        [
            f"- Kind: {card.kind}; algorithm: {card.algorithm['algorithm']} ({settings}), of {card.algorithm['trials'] or 1} tried",
            f"- Training set: `{card.training_set['training_set_id']}`, known at {card.training_set['cutoff']}",
            f"- Data: {inputs}",
            "- Rows: " + ", ".join(f"{name} {count:,}" for name, count in card.metrics["rows"].items()),
            f"- Beats its baseline: {'yes' if verdict['beats_baseline'] else 'not shown'}, by {verdict['primary']}",
        ]
    )


def _write_metrics(metrics: Json) -> str:
    lines = ["| metric | model | baseline | gain |", "|---|---|---|---|"]
    for name in metrics["model"]:
        cells = " | ".join(_write_estimate(metrics[side][name]) for side in ("model", "baseline", "gain"))
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines)


def _write_segments(segments: Json) -> list[str]:
    if not segments:
        return []
    lines = [f"| {segments['by']} | rows | metric | model | gain |", "|---|---|---|---|---|"]
    for value, found in segments["values"].items():
        primary = next(iter(found.get("model", {})), None)
        cells = (
            "too few | |"
            if primary is None
            else f"{primary} | {_write_estimate(found['model'][primary])} | {_write_estimate(found['gain'][primary])}"
        )
        lines.append(f"| {value} | {found['rows']:,} | {cells} |")
    return ["## Segments", "\n".join(lines)]


def _write_estimate(estimate: Json) -> str:
    return f"{estimate['value']:.4g} [{estimate['lower']:.4g}, {estimate['upper']:.4g}]"


def _encode(value: Json) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
