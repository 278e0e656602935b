"""A training set as arrays."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from presage.errors import CorruptArtifactError, InvalidInputError
from presage.training.ports import TrainingFiles
from presage.training.recipe import Recipe, compute_training_set_id, decode_recipe, to_microseconds
from presage.training.sampling import sample_items
from presage.training.spec import feature_columns

FEWEST_ROWS = 20
MOST_CLASSES = 100
CLASSES = ("0", "1")
Labels = npt.NDArray[np.int64] | npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """The rows of one split, in a fixed order.

    Shape: `features` is (rows, columns) with NaN for null; the others are (rows,). `entities` and `observations` number from 0.
    `labels` are places among the classes, or values of a regression. `items` and `popularity` are empty unless the model ranks.
    """

    features: npt.NDArray[np.float64]
    labels: Labels
    entities: npt.NDArray[np.int64]
    observations: npt.NDArray[np.int64]
    items: list[str]
    popularity: npt.NDArray[np.float64]


def select_rows(rows: Rows, chosen: npt.NDArray[np.bool_]) -> Rows:
    """Return those of the rows, with their entities and observations numbered anew."""
    return Rows(
        features=rows.features[chosen],
        labels=rows.labels[chosen],
        entities=np.unique(rows.entities[chosen], return_inverse=True)[1].astype(np.int64),
        observations=np.unique(rows.observations[chosen], return_inverse=True)[1].astype(np.int64),
        items=[rows.items[place] for place in np.flatnonzero(chosen)] if rows.items else [],
        popularity=rows.popularity[chosen] if rows.items else rows.popularity,
    )


@dataclass(frozen=True)
class TrainingData:
    """What a model is fitted on and judged by. `candidates` are the items as of the cut-off, most frequent first.

    `labelled` are the rows of all splits, for the model that is registered; a ranking's test observations are sampled there as
    if they had been trained on, lest their whole pools outweigh everything.
    """

    training_set_id: str
    recipe: Recipe
    columns: tuple[str, ...]
    train: Rows
    test: Rows
    labelled: Rows
    candidates: tuple[str, ...]
    classes: tuple[str, ...]
    """What labels are places among: empty for a regression."""
    manifest: Mapping[str, Any]
    """What the training set says of itself."""


def read_training_data(files: TrainingFiles, prefix: str) -> TrainingData:
    """Return the training set below a prefix of the lake, after checking it against its manifest and its recipe.

    Raises:
        CorruptArtifactError: It is not what its manifest says, or an entity is in both splits.
        InvalidInputError: A split has too few rows or only one class, so that nothing can be learnt or measured.
    """
    recipe = decode_recipe(_read(files, f"{prefix}recipe.json"))
    manifest: dict[str, Any] = msgspec.json.decode(_read(files, f"{prefix}manifest.json"))
    if manifest["training_set_id"] != compute_training_set_id(recipe):
        raise CorruptArtifactError(f"{prefix} holds training set {manifest['training_set_id']}, its recipe is another one's")
    frame = pl.concat([_read_file(files, prefix + file["key"], file["rows"]) for file in manifest["files"]])
    train, test = frame.filter(pl.col("split") == "train"), frame.filter(pl.col("split") == "test")
    shared = set(train["entity_id"].unique()) & set(test["entity_id"].unique())
    if shared:
        raise CorruptArtifactError(f"{len(shared)} entities are in both splits, e.g. {min(shared)!r}")
    columns = feature_columns(recipe.spec)
    classes = _list_classes(frame, recipe)
    return TrainingData(
        training_set_id=manifest["training_set_id"],
        recipe=recipe,
        columns=columns,
        train=_build_rows(train, columns, classes, split="train"),
        test=_build_rows(test, columns, classes, split="test"),
        labelled=_build_rows(_sample_tests(frame, recipe), columns, classes, split="whole"),
        candidates=tuple(manifest["candidates"]),
        classes=classes,
        manifest=manifest,
    )


def _list_classes(frame: pl.DataFrame, recipe: Recipe) -> tuple[str, ...]:
    if recipe.spec.kind == "regression":
        return ()
    if recipe.spec.label.class_column is None:
        return CLASSES
    classes = tuple(sorted(frame["label"].unique().to_list()))
    if len(classes) > MOST_CLASSES:
        raise InvalidInputError(f"the label has {len(classes)} classes, at most {MOST_CLASSES} can be told apart: e.g. {classes[0]!r}")
    return classes


def _sample_tests(frame: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """Return the rows with each test observation of a ranking reduced to what Spark would have sampled for training."""
    candidates = recipe.spec.candidates
    if candidates is None:
        return frame
    kept = [frame.filter(pl.col("split") != "test")]
    for (entity_id, observed_at), pool in frame.filter(pl.col("split") == "test").group_by("entity_id", "observed_at"):
        at_us = to_microseconds(cast("datetime", observed_at).replace(tzinfo=UTC))
        positives = frozenset(pool.filter(pl.col("label") == 1)["item"])
        negatives = candidates.negatives_per_positive
        chosen = sample_items(pool["item"], positives, negatives_per_positive=negatives, seed=f"{entity_id}\x00{at_us}")
        kept.append(pool.filter(pl.col("item").is_in([item for item, _ in chosen])))
    return pl.concat(kept)


def _read(files: TrainingFiles, key: str) -> bytes:
    body = files.read_lake(key)
    if body is None:
        raise CorruptArtifactError(f"the lake has no {key}")
    return body


def _read_file(files: TrainingFiles, key: str, rows: int) -> pl.DataFrame:
    frame = pl.read_parquet(io.BytesIO(_read(files, key)))
    if len(frame) != rows:
        raise CorruptArtifactError(f"{key} holds {len(frame)} rows, the manifest says {rows}")
    return frame


def _build_rows(frame: pl.DataFrame, columns: tuple[str, ...], classes: tuple[str, ...], *, split: str) -> Rows:
    found = frame["label"].n_unique()
    if len(frame) < FEWEST_ROWS or found < 2:  # noqa: PLR2004 - there is nothing to tell apart
        told = ", ".join(f"{(frame['label'].cast(pl.String) == name).sum()} with label {name}" for name in classes[:5])
        raise InvalidInputError(
            f"the {split} split has {len(frame)} rows ({told or f'{found} different values'}); it needs {FEWEST_ROWS}, and two labels: "
            "bring a longer history, or predict over a shorter window"
        )
    ranks = "item" in frame.columns
    ordered = frame.sort("observed_at", "entity_id", *(["item"] if ranks else []))
    numbered = ordered.select(
        pl.col("entity_id").rank("dense").cast(pl.Int64).alias("entity") - 1,
        pl.struct("observed_at", "entity_id").rank("dense").cast(pl.Int64).alias("observation") - 1,
    )
    features = ordered.select(pl.col(columns).cast(pl.Float64).fill_null(float("nan"))).to_numpy()
    return Rows(
        features=features,
        labels=_read_labels(ordered["label"], classes),
        entities=numbered["entity"].to_numpy(),
        observations=numbered["observation"].to_numpy(),
        items=ordered["item"].to_list() if ranks else [],
        popularity=ordered["popularity"].to_numpy() if ranks else np.zeros(0),
    )


def _read_labels(labels: pl.Series, classes: tuple[str, ...]) -> Labels:
    if not classes:
        return labels.cast(pl.Float64).to_numpy()
    return labels.cast(pl.String).cast(pl.Enum(classes)).to_physical().cast(pl.Int64).to_numpy()
