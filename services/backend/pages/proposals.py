"""What the form of a new model begins with: features and answers that the datasets' columns suggest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

from presage.features.dataset import Dataset
from presage.training.spec import Function, Kind
from services.backend.pages.spec_forms import About, FeatureRow

MOST_COLUMNS = 3
"""Of a dataset's numbers, for features to be proposed of."""
MOST_DATASETS = 4
MOST_CATEGORIES = 50
LIST_LENGTH = 10
RECENT_DAYS = 30


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: of which kind, at whose records, and what is told by which."""

    kind: Kind
    observations: Dataset
    label: Dataset

    @property
    def item_column(self) -> str | None:
        """Return the column that most likely names the items of a ranking."""
        return next(iter(list_columns(self.label, "string")), None)


def list_columns(dataset: Dataset, *types: str) -> list[str]:
    """Return the names of the dataset's columns of these types."""
    return [column.name for column in dataset.columns if column.type in types]


def propose_rows(question: Question, datasets: Sequence[Dataset]) -> list[FeatureRow]:
    """Return features to begin with: how often, how much, how long ago, of each dataset of who is asked about; of items, too."""
    asked = question.observations
    others = [each for each in datasets if each.entity == asked.entity and each.name not in {asked.name, question.label.name}]
    own = list({each.name: each for each in (asked, question.label, *others)}.values())
    lines = [line for dataset in islice(own, MOST_DATASETS) for line in _describe_entity(dataset)]
    if question.kind == "ranking":
        lines += [*_describe_items(question.label), *(line for each in datasets for line in _describe_catalogue(each, question))]
    return [
        FeatureRow(number, function, source, about, window)
        for number, (function, source, about, window) in zip(count(), lines, strict=False)
    ]


def propose_default(question: Question, find_summary: Callable[[Dataset], Mapping[str, Any] | None]) -> str:
    """Return the answer for when no version can answer: nothing happens or, of items, those that are most frequent."""
    if question.kind != "ranking":
        return "0"
    return "\n".join(list_frequent(find_summary(question.label), question.item_column)[:LIST_LENGTH])


def list_frequent(summary: Mapping[str, Any] | None, name: str | None) -> tuple[str, ...]:
    """Return a text column's frequent values, most first, as a version's statistics have them."""
    columns = summary["columns"] if summary else ()
    top = next((column.get("top_values") or () for column in columns if column["name"] == name), ())
    return tuple(str(each["value"]) for each in top if each["value"])[:MOST_CATEGORIES]


_Line = tuple[Function, str, About, int | None]


def _describe_entity(dataset: Dataset) -> Iterator[_Line]:
    yield from _count(dataset, "entity")
    yield "days_since_first", f"{dataset.name}/", "entity", None
    for column in list_columns(dataset, "number")[:MOST_COLUMNS]:
        yield "sum", f"{dataset.name}/{column}", "entity", None
        yield "mean", f"{dataset.name}/{column}", "entity", None
    for column in list_columns(dataset, "boolean")[:MOST_COLUMNS]:
        yield "mean", f"{dataset.name}/{column}", "entity", None


def _describe_items(dataset: Dataset) -> Iterator[_Line]:
    yield from _count(dataset, "item")
    for column in list_columns(dataset, "number")[:MOST_COLUMNS]:
        yield "mean", f"{dataset.name}/{column}", "item", None


def _describe_catalogue(dataset: Dataset, question: Question) -> Iterator[_Line]:
    """Yield what a dataset of the items themselves says, which is one whose entity is called as the column that names them."""
    if dataset.entity in {question.item_column, question.observations.entity} and dataset.entity != question.observations.entity:
        for column in list_columns(dataset, "number", "boolean")[:MOST_COLUMNS]:
            yield "latest", f"{dataset.name}/{column}", "item", None


def _count(dataset: Dataset, about: About) -> Iterator[_Line]:
    yield "count", f"{dataset.name}/", about, None
    yield "count", f"{dataset.name}/", about, RECENT_DAYS
    yield "days_since_last", f"{dataset.name}/", about, None
