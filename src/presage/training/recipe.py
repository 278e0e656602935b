"""The recipe of a training set: everything that determines its rows, and so its identity.

Written by the worker, read by the Spark steps and the trainer: standard library only, importable on Python 3.9 (docs/adr/0005).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Mapping, Tuple

from presage.errors import CorruptArtifactError
from presage.training.spec import (
    Candidates,
    DerivedFeature,
    Expression,
    Feature,
    FeatureView,
    Label,
    ModelSpec,
    Observations,
    Training,
)

CODE_VERSION = 2
"""Raised whenever the same recipe would give other rows than before."""
RECIPE_FILE = "recipe.json"
"""Its name beside what was made by it."""

ADDED_TO_LABEL = ("class_column", "absent_class", "aggregate", "value_column")
ADDED_TO_SPEC = ("training", "segment_by", "derived")
ADDED_TO_FEATURE = ("categories",)
"""Fields that came after code version 2: recipes without them have the ids they always had."""

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class InputPart:
    """One parquet part of a feature set version. `key` is relative to the lake."""

    key: str
    sha256: str
    rows: int


@dataclass(frozen=True)
class InputDataset:
    """One dataset at one version. `columns` maps the names of its columns to their types."""

    dataset_id: str
    version: int
    columns: Dict[str, str]
    parts: Tuple[InputPart, ...]


@dataclass(frozen=True)
class Recipe:
    """A model's specification, its pinned inputs by dataset name, and the cut-off: what is known later is not used.

    Units: `cutoff_us` is microseconds since the epoch, UTC.
    """

    workspace_id: str
    spec: ModelSpec
    datasets: Dict[str, InputDataset]
    cutoff_us: int
    code_version: int = CODE_VERSION


def to_microseconds(moment: datetime) -> int:
    """Return an aware datetime as exact microseconds since the epoch."""
    return (moment - EPOCH) // MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """Return microseconds since the epoch as an aware UTC datetime."""
    return EPOCH + microseconds * MICROSECOND


def encode_recipe(recipe: Recipe) -> bytes:
    """Return canonical JSON: the same recipe gives the same bytes, also to code that knows more fields: absent ones are left out."""
    raw = asdict(recipe)
    raw["spec"] = _omit_absent(raw["spec"], ADDED_TO_SPEC)
    raw["spec"]["label"] = _omit_absent(raw["spec"]["label"], ADDED_TO_LABEL)
    for view in raw["spec"]["feature_views"]:
        view["features"] = [_omit_absent(feature, ADDED_TO_FEATURE) for feature in view["features"]]
    return json.dumps(raw, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def _omit_absent(raw: Dict[str, Any], added: Tuple[str, ...]) -> Dict[str, Any]:
    return {name: value for name, value in raw.items() if value not in (None, ()) or name not in added}


def compute_training_set_id(recipe: Recipe) -> str:
    """Return the SHA-256 of the canonical recipe: specification, input versions and part hashes, cut-off, code version."""
    return hashlib.sha256(encode_recipe(recipe)).hexdigest()


def decode_recipe(body: bytes) -> Recipe:
    """Return the recipe that `encode_recipe` wrote.

    Raises:
        CorruptArtifactError: The bytes are something else.
    """
    try:
        raw = json.loads(body)
        datasets = {name: _decode_dataset(value) for name, value in raw["datasets"].items()}
        return Recipe(
            workspace_id=raw["workspace_id"],
            spec=_decode_spec(raw["spec"]),
            datasets=datasets,
            cutoff_us=raw["cutoff_us"],
            code_version=raw["code_version"],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CorruptArtifactError(f"not a recipe: {error!r}") from error


def _decode_dataset(raw: Mapping[str, Any]) -> InputDataset:
    parts = tuple(InputPart(**part) for part in raw["parts"])
    return InputDataset(dataset_id=raw["dataset_id"], version=raw["version"], columns=dict(raw["columns"]), parts=parts)


def _decode_spec(raw: Mapping[str, Any]) -> ModelSpec:
    views = tuple(
        FeatureView(
            name=view["name"],
            dataset=view["dataset"],
            features=tuple(_decode_feature(feature) for feature in view["features"]),
            join=view["join"],
            key_column=view["key_column"],
        )
        for view in raw["feature_views"]
    )
    return ModelSpec(
        kind=raw["kind"],
        observations=Observations(**raw["observations"]),
        label=Label(**raw["label"]),
        feature_views=views,
        candidates=Candidates(**raw["candidates"]) if raw["candidates"] else None,
        list_length=raw["list_length"],
        training=Training(**raw["training"]) if raw.get("training") else None,
        segment_by=raw.get("segment_by"),
        derived=tuple(DerivedFeature(each["name"], _decode_expression(each["expression"])) for each in raw.get("derived", ())),
    )


def _decode_feature(raw: Mapping[str, Any]) -> Feature:
    categories = raw.get("categories")
    return Feature(**{**raw, "categories": None if categories is None else tuple(categories)})


def _decode_expression(raw: Mapping[str, Any]) -> Expression:
    of = tuple(_decode_expression(operand) if isinstance(operand, dict) else operand for operand in raw["of"])
    lists = {name: None if raw[name] is None else tuple(raw[name]) for name in ("values", "results")}
    return Expression(**{**raw, **lists, "of": of})
