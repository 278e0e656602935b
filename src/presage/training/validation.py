"""Checks a model's specification against the datasets it names, before anything is built."""

from __future__ import annotations

import re
from collections.abc import Mapping

from presage.errors import InvalidInputError
from presage.features.dataset import ColumnType, Dataset
from presage.training.expressions import check_derived
from presage.training.spec import Feature, FeatureView, ModelSpec, feature_columns, item_columns

RESERVED_NAMES = frozenset({"id", "timestamp", "candidates"})
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST_NAME = 63
MOST_VIEWS = 20
MOST_FEATURES = 100
LONGEST_DAYS = 3650
MOST_CANDIDATES = 10_000
MOST_NEGATIVES = 100
LONGEST_LIST = 100
LONGEST_CLASS = 256
MOST_CATEGORIES = 1_000
MOST_TRIALS = 200
MOST_SECONDS = 3_600
MOST_LOGGED_VALUES = 2_000
"""Item features times shown items: each answer is logged with them, and an entry of the log holds 400 KB."""
NUMERIC_FUNCTIONS = frozenset({"sum", "mean", "min", "max", "latest"})


def validate_spec(spec: ModelSpec, datasets: Mapping[str, Dataset]) -> None:
    """Return when the specification can be built from the workspace's datasets (by name).

    Raises:
        InvalidInputError: It cannot; `path` is the JSONPath of the fault in the specification.
    """
    _find_dataset(spec.observations.dataset, datasets, "$.observations.dataset")
    _check_range(spec.observations.spacing_days, (0, LONGEST_DAYS), "$.observations.spacing_days")
    _find_dataset(spec.label.dataset, datasets, "$.label.dataset")
    _check_range(spec.label.window_days, (1, LONGEST_DAYS), "$.label.window_days")
    _KINDS[spec.kind](spec, datasets)
    _check_views(spec, datasets)
    _check_derived(spec, datasets)
    _check_training(spec)
    if spec.segment_by is not None and spec.segment_by not in set(feature_columns(spec)) - set(item_columns(spec)):
        raise InvalidInputError(f"{spec.segment_by!r} is no feature column of entities", path="$.segment_by")


def _check_training(spec: ModelSpec) -> None:
    if spec.training is None:
        return
    _check_range(spec.training.trials, (1, MOST_TRIALS), "$.training.trials")
    _check_range(spec.training.seconds, (0, MOST_SECONDS), "$.training.seconds")
    for name in ("balance", "calibrate"):
        if getattr(spec.training, name) and spec.kind != "classification":
            raise InvalidInputError(f"a {spec.kind} has no classes to {name}", path=f"$.training.{name}")


def _check_classification(spec: ModelSpec, datasets: Mapping[str, Dataset]) -> None:
    label = spec.label
    _refuse(spec, "item_column", "aggregate", "value_column")
    if label.class_column is not None:
        _check_column(datasets[label.dataset], label.class_column, ("string", "boolean"), "$.label.class_column")
    elif label.absent_class is not None:
        raise InvalidInputError("absent_class is of a label with a class_column", path="$.label.absent_class")
    if label.absent_class is not None and not 1 <= len(label.absent_class) <= LONGEST_CLASS:
        raise InvalidInputError(f"a class has 1 to {LONGEST_CLASS} characters", path="$.label.absent_class")


def _check_regression(spec: ModelSpec, datasets: Mapping[str, Dataset]) -> None:
    label = spec.label
    _refuse(spec, "item_column", "class_column", "absent_class")
    if label.aggregate is None:
        raise InvalidInputError("a regression's label needs the aggregate that is predicted", path="$.label.aggregate")
    if label.value_column is not None:
        types: tuple[ColumnType, ...] = () if label.aggregate == "count" else ("number", "boolean")
        _check_column(datasets[label.dataset], label.value_column, types, "$.label.value_column")
    elif label.aggregate != "count":
        raise InvalidInputError(f"the aggregate {label.aggregate!r} needs a value_column", path="$.label.value_column")


def _refuse(spec: ModelSpec, *fields: str) -> None:
    """Refuse candidates, and a label with any of these fields."""
    if spec.candidates is not None:
        raise InvalidInputError(f"a {spec.kind} has no candidates", path="$.candidates")
    _refuse_label(spec, *fields)


def _refuse_label(spec: ModelSpec, *fields: str) -> None:
    for name in fields:
        if getattr(spec.label, name) is not None:
            raise InvalidInputError(f"a {spec.kind}'s label has no {name}", path=f"$.label.{name}")


def _check_ranking(spec: ModelSpec, datasets: Mapping[str, Dataset]) -> None:
    _refuse_label(spec, "class_column", "absent_class", "aggregate", "value_column")
    if spec.candidates is None:
        raise InvalidInputError("a ranking needs candidates to choose from", path="$.candidates")
    if spec.label.item_column is None:
        raise InvalidInputError("a ranking's label needs the item_column that names what was taken", path="$.label.item_column")
    _check_column(datasets[spec.label.dataset], spec.label.item_column, ("string",), "$.label.item_column")
    source = _find_dataset(spec.candidates.dataset, datasets, "$.candidates.dataset")
    _check_column(source, spec.candidates.item_column, ("string",), "$.candidates.item_column")
    _check_range(spec.list_length, (1, LONGEST_LIST), "$.list_length")
    _check_range(spec.candidates.limit, (spec.list_length, MOST_CANDIDATES), "$.candidates.limit")
    _check_range(spec.candidates.negatives_per_positive, (1, MOST_NEGATIVES), "$.candidates.negatives_per_positive")


_KINDS = {"classification": _check_classification, "ranking": _check_ranking, "regression": _check_regression}


def _check_views(spec: ModelSpec, datasets: Mapping[str, Dataset]) -> None:
    _check_range(len(spec.feature_views), (1, MOST_VIEWS), "$.feature_views", what="the number of feature views")
    _check_range(
        sum(len(view.features) for view in spec.feature_views), (1, MOST_FEATURES), "$.feature_views", what="the number of features"
    )
    seen: set[str] = set()
    for index, view in enumerate(spec.feature_views):
        path = f"$.feature_views[{index}]"
        _check_name(view.name, seen, f"{path}.name")
        _check_view(view, datasets, path)
        if view.join == "item" and spec.kind != "ranking":
            raise InvalidInputError("only a ranking has items to join features of", path=f"{path}.join")


def _check_derived(spec: ModelSpec, datasets: Mapping[str, Dataset]) -> None:
    seen: set[str] = set()
    for index, derived in enumerate(spec.derived):
        _check_name(derived.name, seen, f"$.derived[{index}].name")
    check_derived(spec, datasets)
    logged = spec.list_length * len(item_columns(spec))
    _check_range(logged, (0, MOST_LOGGED_VALUES), "$.list_length", what="list_length times the features of items")


def _check_view(view: FeatureView, datasets: Mapping[str, Dataset], path: str) -> None:
    dataset = _find_dataset(view.dataset, datasets, f"{path}.dataset")
    if view.key_column != "entity_id":
        _check_column(dataset, view.key_column, ("string",), f"{path}.key_column")
    if not view.features:
        raise InvalidInputError(f"feature view {view.name!r} has no features", path=f"{path}.features")
    seen: set[str] = set()
    for index, feature in enumerate(view.features):
        _check_name(feature.name, seen, f"{path}.features[{index}].name")
        _check_feature(feature, dataset, f"{path}.features[{index}]")


def _check_feature(feature: Feature, dataset: Dataset, path: str) -> None:
    if feature.window_days is not None:
        _check_range(feature.window_days, (1, LONGEST_DAYS), f"{path}.window_days")
    if feature.categories is not None:
        _check_categories(feature, dataset, path)
    elif feature.column is not None:
        numeric = feature.function in NUMERIC_FUNCTIONS
        _check_column(dataset, feature.column, ("number", "boolean") if numeric else (), f"{path}.column")
    elif feature.function in NUMERIC_FUNCTIONS:
        raise InvalidInputError(f"function {feature.function!r} needs a column", path=f"{path}.column")


def _check_categories(feature: Feature, dataset: Dataset, path: str) -> None:
    if feature.function != "latest" or feature.column is None:
        raise InvalidInputError("only the latest of a column has categories", path=f"{path}.categories")
    _check_column(dataset, feature.column, ("string",), f"{path}.column")
    categories = feature.categories or ()
    _check_range(len(categories), (1, MOST_CATEGORIES), f"{path}.categories", what="the number of categories")
    for index, name in enumerate(categories):
        if not 1 <= len(name) <= LONGEST_CLASS or name in categories[:index]:
            message = f"a category has 1 to {LONGEST_CLASS} characters, and is there once"
            raise InvalidInputError(message, path=f"{path}.categories[{index}]")


def _check_name(name: str, seen: set[str], path: str) -> None:
    if name in RESERVED_NAMES:
        raise InvalidInputError(f"the name {name!r} is reserved", path=path)
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise InvalidInputError(
            f"the name {name!r} must be lower-case words joined by single underscores, at most {LONGEST_NAME} characters", path=path
        )
    if name in seen:
        raise InvalidInputError(f"the name {name!r} is used twice", path=path)
    seen.add(name)


def _check_range(value: int, bounds: tuple[int, int], path: str, *, what: str = "it") -> None:
    if not bounds[0] <= value <= bounds[1]:
        raise InvalidInputError(f"{what} is {value}, expected {bounds[0]} to {bounds[1]}", path=path)


def _find_dataset(name: str, datasets: Mapping[str, Dataset], path: str) -> Dataset:
    if name not in datasets:
        raise InvalidInputError(f"there is no dataset {name!r} in this workspace", path=path)
    return datasets[name]


def _check_column(dataset: Dataset, name: str, types: tuple[ColumnType, ...], path: str) -> None:
    found = next((column for column in dataset.columns if column.name == name), None)
    if found is None:
        known = ", ".join(column.name for column in dataset.columns) or "none"
        raise InvalidInputError(f"dataset {dataset.name!r} has no column {name!r}; its columns: {known}", path=path)
    if types and found.type not in types:
        raise InvalidInputError(f"column {name!r} of {dataset.name!r} is a {found.type}, expected {' or '.join(types)}", path=path)
