"""A scenario: real data, cut in two at a moment; the first half trains the model, the second is replayed against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

JsonObject = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class DatasetPlan:
    """A dataset to create, with the history that is streamed into it through the gateway."""

    name: str
    entity: str
    columns: Mapping[str, str]
    history: Sequence[JsonObject] = ()


@dataclass(frozen=True, slots=True)
class FilePlan:
    """History that is imported from a CSV file by a background job."""

    dataset: str
    file_name: str
    content: bytes
    entity_column: str
    event_timestamp_column: str
    known_timestamp_column: str
    rows: int


@dataclass(frozen=True, slots=True)
class Visit:
    """A customer of the time after the cut-off, for whom a prediction is asked, once."""

    unit: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the customer really did, as a record of the outcome dataset."""

    at: datetime
    record: JsonObject


@dataclass(frozen=True, slots=True)
class Scenario:
    """All that the journey needs. `visits` and `outcomes` are in time order; `looks` are the moments of analysis."""

    name: str
    source: str
    measures: str
    cutoff: datetime
    datasets: Sequence[DatasetPlan]
    files: Sequence[FilePlan]
    model: JsonObject
    experiment: JsonObject
    outcome_dataset: str
    visits: Sequence[Visit]
    outcomes: Sequence[Outcome]
    looks: Sequence[datetime]


def rfc3339(moment: datetime) -> str:
    """Return `moment` as UTC text, e.g. `1998-01-01T00:00:00Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
