"""From what a form says of a model to its specification, and from what is wrong with that back to the form's fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, cast

import msgspec

from presage.errors import InvalidInputError
from presage.features.dataset import Dataset
from presage.training.model import DefaultAnswer
from presage.training.spec import Aggregate, Candidates, Feature, FeatureView, Function, Kind, Label, ModelSpec, Observations

About = Literal["entity", "item"]
Positive = Annotated[int, msgspec.Meta(ge=1)]
LONGEST_SLUG = 40
FIELDS: Mapping[str, str] = {
    "$.spec.observations.dataset": "observations",
    "$.spec.observations.spacing_days": "spacing_days",
    "$.spec.label.dataset": "label",
    "$.spec.candidates.dataset": "label",
    "$.spec.candidates.item_column": "item_column",
    "$.spec.candidates.limit": "candidates",
    "$.spec.list_length": "list_length",
    "$.spec.feature_views": "row-0",
}
"""Where a fault of the specification is shown; one of a label's is shown at the field of its name."""
_FEATURE = re.compile(r"\$\.spec\.feature_views\[(\d+)\](?:\.features\[(\d+)\])?")
_LABEL = re.compile(r"\$\.spec\.label\.(\w+)")

FindCategories = Callable[[Dataset, str], tuple[str, ...]]
"""Returns the values that a text column often has; none, where nobody has looked yet."""


class ModelForm(msgspec.Struct, frozen=True):
    """A model as its form has it, but for the rows of features."""

    name: str
    kind: Kind
    label: str
    observations: str
    window_days: int
    default: str
    spacing_days: int = 0
    class_column: str | None = None
    absent_class: str | None = None
    aggregate: Aggregate | None = None
    value_column: str | None = None
    item_column: str | None = None
    candidates: int = 500
    list_length: int = 10


class FeatureRow(msgspec.Struct, frozen=True):
    """A line of the form: `source` is `<dataset>/`, or `<dataset>/<column>`."""

    number: int
    function: Function
    source: str
    about: About = "entity"
    window_days: Positive | None = None

    @property
    def dataset(self) -> str:
        """Return the dataset's name."""
        return self.source.partition("/")[0]

    @property
    def column(self) -> str | None:
        """Return the column's name, None for the records themselves."""
        return self.source.partition("/")[2] or None


@dataclass(frozen=True, slots=True)
class DraftSpec:
    """A specification, and for each of its features by (view, feature) the number of the row that it is of."""

    spec: ModelSpec
    rows: Mapping[tuple[int, int], int]


def build_spec(form: ModelForm, rows: Sequence[FeatureRow], datasets: Mapping[str, Dataset], find_categories: FindCategories) -> DraftSpec:
    """Return the specification that the form says.

    Raises:
        InvalidInputError: A dataset is not there, or is of another entity than the one that is asked about; `path` names the field.
    """
    asked = _get_dataset(form.observations, datasets, "observations")
    _require_entity(_get_dataset(form.label, datasets, "label"), asked, "label")
    views, numbers = _build_views(form, rows, datasets, find_categories)
    spec = ModelSpec(
        form.kind,
        Observations(form.observations, form.spacing_days),
        _build_label(form),
        views,
        Candidates(form.label, form.item_column or "", form.candidates) if form.kind == "ranking" else None,
        form.list_length,
    )
    return DraftSpec(spec, numbers)


def read_default(form: ModelForm) -> DefaultAnswer:
    """Return the default answer as the kind has it: a class, a number, or items, one a line or between commas.

    Raises:
        InvalidInputError: It is no number where one is needed.
    """
    if form.kind == "ranking":
        return tuple(item.strip() for item in re.split(r"[\n,]", form.default) if item.strip())
    if form.kind == "classification":
        return form.default
    try:
        return float(form.default)
    except ValueError as error:
        raise InvalidInputError(f"The default of a model of numbers is a number, got {form.default[:50]!r}", path="$.default") from error


def locate_fault(error: InvalidInputError, rows: Mapping[tuple[int, int], int]) -> InvalidInputError:
    """Return the error with the form's field in place of the specification's."""
    path = error.path or ""
    feature, label = _FEATURE.match(path), _LABEL.match(path)
    if feature is not None:
        field = f"row-{rows.get((int(feature[1]), int(feature[2] or 0)), 0)}"
    elif path in FIELDS:
        field = FIELDS[path]
    else:
        field = label[1] if label is not None else path.removeprefix("$.")
    return InvalidInputError(str(error), path=f"$.{field}", code=error.code)


def make_name(text: str) -> str:
    """Return a name of views and features that is near to the text."""
    words = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:LONGEST_SLUG].strip("_")
    return words if words and words[0].isalpha() else f"c_{words}".strip("_")


def _build_label(form: ModelForm) -> Label:
    kept = {
        "classification": ("class_column", "absent_class"),
        "regression": ("aggregate", "value_column"),
        "ranking": ("item_column",),
    }[form.kind]
    given = {name: getattr(form, name) for name in kept}
    if given.get("aggregate") == "count":
        given["value_column"] = None
    if given.get("class_column") is None:
        given.pop("absent_class", None)
    return Label(form.label, form.window_days, **cast("dict[str, None]", given))


def _build_views(
    form: ModelForm, rows: Sequence[FeatureRow], datasets: Mapping[str, Dataset], find_categories: FindCategories
) -> tuple[tuple[FeatureView, ...], Mapping[tuple[int, int], int]]:
    asked, grouped = datasets[form.observations], dict[tuple[str, About], list[FeatureRow]]()
    for row in rows:
        dataset = _get_dataset(row.dataset, datasets, f"row-{row.number}")
        if row.about == "entity":
            _require_entity(dataset, asked, f"row-{row.number}")
        grouped.setdefault((row.dataset, row.about), []).append(row)
    views, numbers = list[FeatureView](), dict[tuple[int, int], int]()
    for place, ((name, about), members) in enumerate(grouped.items()):
        features = tuple(_build_feature(row, datasets[name], find_categories) for row in members)
        key = _choose_key(datasets[name], form.item_column) if about == "item" else "entity_id"
        views.append(FeatureView(make_name(name) + ("_of_item" if about == "item" else ""), name, features, about, key))
        numbers |= {(place, position): row.number for position, row in enumerate(members)}
    return tuple(views), numbers


def _build_feature(row: FeatureRow, dataset: Dataset, find_categories: FindCategories) -> Feature:
    column = next((each for each in dataset.columns if each.name == row.column), None)
    name = "_".join(part for part in (row.column and make_name(row.column), row.function) if part)
    if row.window_days is not None:
        name += f"_{row.window_days}d"
    if column is None or column.type != "string" or row.function != "latest":
        return Feature(name, row.function, row.column, row.window_days)
    categories = find_categories(dataset, column.name)
    if not categories:
        message = f"It is not known yet which values {column.name!r} has: wait for the dataset's statistics, or leave it out"
        raise InvalidInputError(message, path=f"$.row-{row.number}")
    return Feature(name, row.function, row.column, row.window_days, categories)


def _choose_key(dataset: Dataset, item_column: str | None) -> str:
    """Return the column that names the item: the one that the label has or, of a dataset of items, the entity's."""
    return item_column if item_column in {column.name for column in dataset.columns} and item_column else "entity_id"


def _get_dataset(name: str, datasets: Mapping[str, Dataset], field: str) -> Dataset:
    if name not in datasets:
        raise InvalidInputError(f"There is no dataset {name[:100]!r}", path=f"$.{field}")
    return datasets[name]


def _require_entity(dataset: Dataset, asked: Dataset, field: str) -> None:
    if dataset.entity != asked.entity:
        message = f"{dataset.name} is of each {dataset.entity}, and it is asked about each {asked.entity} of {asked.name}"
        raise InvalidInputError(message, path=f"$.{field}")
