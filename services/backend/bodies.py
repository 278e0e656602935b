"""The wire form of requests and of the answers that differ from the domain's own dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, TypeVar

import msgspec
from flask import request

from presage.errors import InvalidInputError
from presage.experiments.model import TREATMENT, Metric
from presage.features.dataset import Column
from presage.features.schema.model import ColumnOverride
from presage.features.sources.amplitude import AmplitudeEntity, AmplitudeRegion
from presage.features.sources.warehouse import WarehouseKind, WarehouseRows
from presage.jobs.arguments import FileFormat
from presage.predictions.exploration import Exploration
from presage.runtime.bodies import decode_json
from presage.runtime.http import read_json
from presage.training.model import Alias, DefaultAnswer, Promotion
from presage.training.spec import ModelSpec
from services.backend.strictness import find_unknown_field

BodyT = TypeVar("BodyT")
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class RotationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a secret or a key of before works beside the new one."""

    overlap_hours: int = 24


class RedriveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many dead letters to put back on their queue, at most."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 100


class OwnerBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person to register."""

    email: str
    name: str


class WorkspaceBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A workspace to create."""

    name: str
    owner: OwnerBody


class DatasetBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A dataset to create; columns that are not declared come with the first file that has them."""

    name: str
    entity: str
    columns: tuple[Column, ...] = ()


class UploadBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file to upload."""

    file_name: str


class ImportBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An uploaded file to import, which of its columns are the record's own fields, and what is declared of the others."""

    key: str
    format: FileFormat
    entity_column: str = "entity_id"
    event_timestamp_column: str = "event_timestamp"
    known_timestamp_column: str | None = None
    columns: Mapping[str, ColumnOverride] = {}


class ReleaseBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is declared of a quarantined file's columns, so that it can land."""

    columns: Mapping[str, ColumnOverride] = {}


class AmplitudeImportBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which uploads of an Amplitude project to import: from `start` to `until` (the last whole hour, if it is left out).

    `credential` names what holds `api_key` and `secret_key`. `columns` says which property a column's value is, as
    `event_properties.price` or `country`; a column that is left out is the event property of its name.
    """

    credential: str
    start: Instant
    until: Instant | None = None
    region: AmplitudeRegion = "us"
    entity: AmplitudeEntity = "user_id"
    event_types: tuple[str, ...] = ()
    columns: Mapping[str, str] = {}


class WarehouseImportBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which rows of a table (`schema.table`) or a query of a warehouse to import: those whose cursor is in [`since`, `until`).

    `credential` names what holds `host`, `database`, `username`, `password` and, if need be, `port` and `ca_certificate`. `key_column`
    is unique; records are named by it or, of rows that are changed in place (`states`), by it and the cursor. `columns` says which
    column of the warehouse a dataset's values are, null for none; the dataset gets columns that it has not.
    """

    credential: str
    kind: WarehouseKind
    cursor_column: str
    key_column: str
    entity_column: str
    event_timestamp_column: str
    known_timestamp_column: str | None = None
    table: str | None = None
    query: str | None = None
    columns: Mapping[str, str | None] = {}
    rows: WarehouseRows = "events"
    since: int | Instant | None = None
    until: int | Instant | None = None


class CredentialBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What another system is read with; no answer shows it again."""

    content: Mapping[str, str]


class ModelBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model to create."""

    name: str
    default: DefaultAnswer
    spec: ModelSpec


class BuildBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A version to build from what was known at `cutoff` (now, if it is left out); in `staging` it gets no traffic.

    With `promote` `if_better` it gets there only when it is shown to be better than what serves there now.
    """

    cutoff: Instant | None = None
    alias: Alias = "production"
    promote: Promotion = "always"


class BatchPredictionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom a version is to score, and as of when (now, if it is left out); `key` is an uploaded file's."""

    version: Annotated[int, msgspec.Meta(ge=1)] | None = None
    alias: Alias = "production"
    dataset: str | None = None
    key: str | None = None
    format: FileFormat = "csv"
    entity_column: Annotated[str, msgspec.Meta(min_length=1, max_length=256)] = "entity_id"
    as_of: Instant | None = None


class AliasBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A version to let serve."""

    version: int
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] = "moved by hand"


class AnalysisBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A look to take, in the experiment's own clock (now, if it is left out)."""

    as_of: Instant | None = None


class OrderBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why an operator stops an experiment."""

    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class StartBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why an experiment is started and, for a control that gets an earlier version, which one (by default the one before)."""

    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    control_version: Annotated[int, msgspec.Meta(ge=1)] | None = None


class ExtensionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to add to an experiment's limits, and why."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    days: Annotated[int, msgspec.Meta(ge=0)] = 0
    units: Annotated[int, msgspec.Meta(ge=0)] = 0


class WeightsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The share of a running experiment's units that are to meet the treatment or, with arms, each one from now on, and why."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    treatment_share: float | None = None
    weights: dict[str, float] | None = None

    def read_weights(self) -> dict[str, float]:
        """Return each arm's weight.

        Raises:
            InvalidInputError: There is not one of both.
        """
        if (self.treatment_share is None) == (self.weights is None):
            raise InvalidInputError("a change has either a treatment_share or, for a plan with arms, weights", path="$")
        return {TREATMENT: self.treatment_share} if self.treatment_share is not None else self.weights or {}


class HoldoutBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The share of units that are to meet no experiment."""

    share: float


class RetrainingBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When to build the model anew: `every_days` after its last build (never, if null), and when it drifts."""

    every_days: int | None = None
    on_drift: bool = False


class BaselineBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a metric is without the experiment; a rate's `variance` follows from its mean."""

    mean: float
    variance: Annotated[float, msgspec.Meta(gt=0)] | None = None


class OutlookBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An experiment to be planned; baseline and traffic are measured where they are left out."""

    model: str
    primary: Metric
    effect: float | None = None
    alpha: float = 0.05
    power: float = 0.8
    treatment_share: float = 0.5
    min_days: int = 7
    arms: int = 1
    baseline: BaselineBody | None = None
    units_a_day: Annotated[float, msgspec.Meta(gt=0)] | None = None


class OffPolicyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a version is to be judged by: its lists' hits, on the log of the last `days`."""

    metric: Metric
    days: int = 14
    alpha: float = 0.05
    baseline_version: int | None = None
    exploration: Exploration | None = None


class DriftBody(msgspec.Struct, frozen=True):
    """The UTC day to check: yesterday, when it is left out."""

    day: date | None = None


def read_body(body_type: type[BodyT]) -> BodyT:
    """Return the request's body as `body_type`; unknown fields are refused at any depth.

    Raises:
        InvalidInputError: It is not of that type, a field is unknown, or it is not JSON.
    """
    return decode_strictly(bytes(read_json(msgspec.Raw)), body_type)


def decode_strictly(raw: bytes, body_type: type[BodyT]) -> BodyT:
    """Return JSON as `body_type`. Raises as `read_body`."""
    body = decode_json(raw, body_type)
    try:
        unknown = find_unknown_field(decode_json(raw, object), body_type)
    except RecursionError as error:
        raise InvalidInputError("The body is nested too deeply", path="$") from error
    if unknown is not None:
        raise InvalidInputError("There is no such field", path=unknown)
    return body


def read_optional_body(body_type: type[BodyT]) -> BodyT:
    """Return the request's body as `body_type`, or its defaults for a request without one. Raises as `read_body`."""
    return read_body(body_type) if request.content_length else body_type()
