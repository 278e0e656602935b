"""What a model is built from: pure data, shared by the API, the worker, the Spark steps and the online scorer.

Reachable from Spark steps: keep it importable on Python 3.9 (docs/adr/0005): no `match`, no `slots=`, no runtime `X | Y`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Optional, Tuple  # evaluated at run time by msgspec, on Python 3.9 too

Function = Literal["count", "sum", "mean", "min", "max", "latest", "days_since_first", "days_since_last"]
Kind = Literal["classification", "ranking", "regression"]
Aggregate = Literal["count", "sum", "mean"]
Join = Literal["entity", "item"]


@dataclass(frozen=True)
class Feature:
    """One feature: `function` of `column` over the join key's records with event and known timestamps <= the observation time.

    `window_days` keeps only events in (observation - window, observation]. `count` is 0 without records, the others null.
    With a `column`, records in which it is null are passed over (booleans are 0 and 1), except by `latest`, which takes the value,
    perhaps null, of the record with the greatest (event_timestamp, known_timestamp, record_id). Units: days for `days_since_*`.
    """

    name: str
    function: Function
    column: Optional[str] = None
    window_days: Optional[int] = None


@dataclass(frozen=True)
class FeatureView:
    """Features of one dataset, joined by `key_column` (`entity_id` or a string column) to the row's entity or item."""

    name: str
    dataset: str
    features: Tuple[Feature, ...]
    join: Join = "entity"
    key_column: str = "entity_id"


@dataclass(frozen=True)
class Observations:
    """When predictions would have been asked: at each record of `dataset`, at most one per entity in `spacing_days`.

    Kept greedily from an entity's first record on: the next one is at least `spacing_days` after the last one kept.
    """

    dataset: str
    spacing_days: int = 0


@dataclass(frozen=True)
class Label:
    """What is predicted from records of `dataset` with event in (observation, observation + window_days].

    Classification: "1" if the entity has one, else "0"; with a `class_column`, that of the first one (ties by known timestamp, then by
    record id), or `absent_class` without any. Ranking: `item_column` names the items it took. Regression: the `aggregate` of
    `value_column` over them, 0 without any for count and sum. Records in which the named column is null are passed over.
    Observations without a class or a mean are dropped and counted.
    Observations whose window is not closed at the cut-off are dropped and counted. Only records known at the cut-off count.
    """

    dataset: str
    window_days: int
    item_column: Optional[str] = None
    class_column: Optional[str] = None
    absent_class: Optional[str] = None
    aggregate: Optional[Aggregate] = None
    value_column: Optional[str] = None


@dataclass(frozen=True)
class Candidates:
    """The items a ranking chooses from: the `limit` most frequent values of `item_column`, known at the observation.

    Frequency counts the records whose event and known timestamps are at or before the observation; ties go by item id.
    """

    dataset: str
    item_column: str
    limit: int = 500
    negatives_per_positive: int = 4


@dataclass(frozen=True)
class Training:
    """How to look for a better model than the default: `trials` of a declared space, none begun when `seconds` have passed (0: no limit).

    `balance` weights all classes alike, and calibrates; `calibrate` puts probabilities right on rows that were left out.
    """

    trials: int = 1
    seconds: int = 0
    balance: bool = False
    calibrate: bool = False


@dataclass(frozen=True)
class ModelSpec:
    """The recipe of a model. `list_length` is how many items a ranking returns.

    `segment_by` is one of the feature columns of entities: metrics are told by its values too.
    """

    kind: Kind
    observations: Observations
    label: Label
    feature_views: Tuple[FeatureView, ...]
    candidates: Optional[Candidates] = None
    list_length: int = 10
    training: Optional[Training] = None
    segment_by: Optional[str] = None


def feature_columns(spec: ModelSpec) -> tuple[str, ...]:
    """Return the model's feature columns in order: `<view>__<feature>`."""
    return tuple(f"{view.name}__{feature.name}" for view in spec.feature_views for feature in view.features)


def item_columns(spec: ModelSpec) -> tuple[str, ...]:
    """Return those of the model's feature columns that describe items, in order."""
    views = (view for view in spec.feature_views if view.join == "item")
    return tuple(f"{view.name}__{feature.name}" for view in views for feature in view.features)


def list_datasets(spec: ModelSpec) -> tuple[str, ...]:
    """Return the names of all datasets that the model needs, each once, sorted."""
    names = {spec.observations.dataset, spec.label.dataset, *(view.dataset for view in spec.feature_views)}
    return tuple(sorted(names | {spec.candidates.dataset} if spec.candidates else names))
