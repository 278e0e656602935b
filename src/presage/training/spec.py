"""What a model is built from: pure data, shared by the API, the worker, the Spark steps and the online scorer.

Reachable from Spark steps: keep it importable on Python 3.9 (docs/adr/0005): no `match`, no `slots=`, no runtime `X | Y`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Literal, Optional, Tuple, Union  # evaluated at run time by msgspec, on Python 3.9 too

Function = Literal["count", "sum", "mean", "min", "max", "latest", "days_since_first", "days_since_last"]
Kind = Literal["classification", "ranking", "regression"]
Aggregate = Literal["count", "sum", "mean"]
Join = Literal["entity", "item"]
Operator = Literal[
    "add", "subtract", "multiply", "ratio", "absolute", "log1p", "clip", "bucketise", "hash_bucket",
    "less", "equal", "and", "or", "not", "one_of", "is_missing",
    "coalesce", "if", "lookup", "time_part", "seconds_since",
]  # fmt: skip
TimePart = Literal["hour", "weekday", "day", "month"]

DERIVED = "derived"
"""What stands in a column's name where others have their view."""


@dataclass(frozen=True)
class Feature:
    """One feature: `function` of `column` over the join key's records with event and known timestamps <= the observation time.

    `window_days` keeps only events in (observation - window, observation]. `count` is 0 without records, the others null.
    With a `column`, records in which it is null are passed over (booleans are 0 and 1), except by `latest`, which takes the value,
    perhaps null, of the record with the greatest (event_timestamp, known_timestamp, record_id). Units: days for `days_since_*`.
    With `categories`, `latest` takes a string column: its value is the place among them from 0, of any other string their number.
    """

    name: str
    function: Function
    column: Optional[str] = None
    window_days: Optional[int] = None
    categories: Optional[Tuple[str, ...]] = None


@dataclass(frozen=True)
class FeatureView:
    """Features of one dataset, joined by `key_column` (`entity_id` or a string column) to the row's entity or item."""

    name: str
    dataset: str
    features: Tuple[Feature, ...]
    join: Join = "entity"
    key_column: str = "entity_id"


@dataclass(frozen=True)
class Expression:
    """An operator on features (by column), numbers, booleans and other expressions: what a row's values, and the moment of asking, give.

    A value is missing if it is null or not finite. What any operand is missing of is missing, but for `is_missing`, the first there is
    of `coalesce`, and the branch of `if` that is not taken; so is what has no finite result, as a ratio by 0. Booleans are 0 and 1.

    `add`, `multiply`, `and`, `or`: of two or more; `subtract`, `ratio`, `less`, `equal`: first and second; `if`: condition, then, else.
    `log1p`: ln(1 + x), missing from -1 down. `clip`: to `least` and `greatest`. `bucketise`: how many of the ascending `values` are at
    most x. `hash_bucket`: CRC-32 of x as little-endian float64, modulo `buckets`. `one_of`: whether x is among `values`; `lookup`: the
    one of `results` that stands where x does in `values`; both take a feature with categories, too, and name them.
    `time_part`: the `part` of the moment of asking, or of x in seconds since the epoch, in UTC; a weekday counts from Monday, 0.
    `seconds_since`: from x, in seconds since the epoch, to the moment of asking.
    """

    op: Operator
    of: Tuple[Union[bool, float, str, Expression], ...] = ()
    values: Optional[Tuple[Union[float, str], ...]] = None
    results: Optional[Tuple[float, ...]] = None
    least: Optional[float] = None
    greatest: Optional[float] = None
    buckets: Optional[int] = None
    part: Optional[TimePart] = None


Operand = Union[bool, float, str, Expression]


@dataclass(frozen=True)
class DerivedFeature:
    """A feature made of others of the same row: column `derived__<name>`, which other expressions may name in their turn."""

    name: str
    expression: Expression


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
    derived: Tuple[DerivedFeature, ...] = ()


def view_columns(spec: ModelSpec) -> tuple[str, ...]:
    """Return the columns that are looked up, or given by callers, in order: `<view>__<feature>`."""
    return tuple(f"{view.name}__{feature.name}" for view in spec.feature_views for feature in view.features)


def derived_columns(spec: ModelSpec) -> tuple[str, ...]:
    """Return the columns that are derived from those of views, in order: `derived__<name>`."""
    return tuple(f"{DERIVED}__{derived.name}" for derived in spec.derived)


def feature_columns(spec: ModelSpec) -> tuple[str, ...]:
    """Return the model's feature columns in order: those of views, then derived ones."""
    return view_columns(spec) + derived_columns(spec)


def item_columns(spec: ModelSpec) -> tuple[str, ...]:
    """Return those of the model's feature columns that describe items, in order; what is derived of any of them does, too."""
    views = (view for view in spec.feature_views if view.join == "item")
    looked_up = tuple(f"{view.name}__{feature.name}" for view in views for feature in view.features)
    found, before = set(looked_up), -1
    while len(found) > before:
        before = len(found)
        pairs = zip(derived_columns(spec), spec.derived)
        found |= {column for column, derived in pairs if not found.isdisjoint(list_references(derived.expression))}
    return looked_up + tuple(column for column in derived_columns(spec) if column in found)


def list_references(expression: Expression) -> Iterator[str]:
    """Yield the columns that an expression names, at any depth."""
    for operand in expression.of:
        if isinstance(operand, str):
            yield operand
        elif isinstance(operand, Expression):
            yield from list_references(operand)


def list_datasets(spec: ModelSpec) -> tuple[str, ...]:
    """Return the names of all datasets that the model needs, each once, sorted."""
    names = {spec.observations.dataset, spec.label.dataset, *(view.dataset for view in spec.feature_views)}
    return tuple(sorted(names | {spec.candidates.dataset} if spec.candidates else names))
