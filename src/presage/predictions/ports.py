"""What serving needs from outside."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import msgspec

from presage.experiments.assignment import Allocation, build_allocation
from presage.experiments.events import Weights, list_weights
from presage.experiments.model import Assignment, AssignmentBlock, Experiment, Variant
from presage.features.dataset import Dataset
from presage.predictions.api_answer import ApiAnswer
from presage.predictions.basis import Basis
from presage.tenancy.model import Caller
from presage.training.derived import number_categories
from presage.training.model import AliasMove, Model, ModelVersion, Traffic
from presage.training.spec import item_columns, view_columns

if TYPE_CHECKING:
    from presage.predictions.blocks import Block

ASSIGNING_STATES = frozenset({"running", "paused_srm"})


class PredictionLogEntry(msgspec.Struct, frozen=True, gc=False):
    """Everything needed to explain one answer later. `request`, `features` and `result` are JSON-able.

    `basis` is what the answer was made from; None in entries of before it was logged.
    """

    workspace_id: str
    prediction_id: str
    model_id: str
    model_version: int | None
    entity_id: str | None
    variant: str
    experiment_id: str | None
    created_at: datetime
    predicted_for: datetime
    request: Mapping[str, object]
    features: Mapping[str, object]
    result: Mapping[str, object]
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class PredictionSearch:
    """Which predictions of a workspace to list: of an entity, of a model, or of both, created in [since, until).

    They come in the order of their creation, newest first unless told otherwise; those of one instant in an order that stays.
    """

    workspace_id: str
    since: datetime
    until: datetime
    model_id: str | None = None
    entity_id: str | None = None
    variant: str | None = None
    oldest_first: bool = False

    def wants(self, *, model_id: str, entity_id: str | None, variant: str) -> bool:
        """Return whether a prediction of the workspace and the time, with these, is wanted."""
        asked = ((self.model_id, model_id), (self.entity_id, entity_id), (self.variant, variant))
        return all(value is None or value == found for value, found in asked)


@dataclass(frozen=True, slots=True)
class PredictionPage:
    """A page of the log and the opaque cursor of the next one (None at the end)."""

    entries: Sequence[PredictionLogEntry]
    next_cursor: str | None


@dataclass(frozen=True)
class Deployment:
    """What serves for one model: the production alias's newest move, its version, and the running experiment, if any.

    `previous` is the version that served before, the "last good version" of the fallback ladder; `control` is the version that
    answers the experiment's control, if a version does, and `arms` has those of its arms, by name, that have a version of their own.
    `weights` are the arms' after each change of the experiment's weights. What every request needs is derived once.
    """

    model: Model
    move: AliasMove | None
    version: ModelVersion | None
    previous: ModelVersion | None
    experiment: Experiment | None
    control: ModelVersion | None = None
    weights: tuple[Weights, ...] = ()
    arms: Mapping[Variant, ModelVersion] = field(default_factory=dict)

    @cached_property
    def columns(self) -> frozenset[str]:
        """Return the model's feature columns that callers may give."""
        return frozenset(view_columns(self.model.spec))

    @cached_property
    def categories(self) -> Mapping[str, Mapping[str, float]]:
        """Return the columns that have categories, with the number of each."""
        return number_categories(self.model.spec)

    @cached_property
    def item_columns(self) -> frozenset[str] | None:
        """Return the feature columns of a ranking's items, or None for other models."""
        return frozenset(item_columns(self.model.spec)) if self.model.spec.kind == "ranking" else None

    @cached_property
    def assigning(self) -> Experiment | None:
        """Return the experiment that assigns units now, or None."""
        return self.experiment if self.experiment is not None and self.experiment.state in ASSIGNING_STATES else None

    @cached_property
    def allocation(self) -> Allocation | None:
        """Return how the experiment that assigns now divides its units, or None without one."""
        if self.assigning is None:
            return None
        return build_allocation(self.assigning, [*list_weights(self.assigning.plan, ()), *self.weights])

    @cached_property
    def arm_versions(self) -> Mapping[Variant, ModelVersion | None]:
        """Return, if the experiment's plan has arms, the version that answers each; None where it is gone."""
        if self.experiment is None:
            return {}
        return {arm.name: self.version if arm.version == "production" else self.arms.get(arm.name) for arm in self.experiment.plan.arms}

    @cached_property
    def compared(self) -> tuple[ModelVersion, ...]:
        """Return the versions beside the alias's that answer in the experiment."""
        return (*([self.control] if self.control else []), *self.arms.values())

    @cached_property
    def traffic(self) -> Traffic:
        """Return what answers who is in no experiment."""
        return "model" if self.move is None else self.move.traffic


@dataclass(frozen=True, slots=True)
class Catalog:
    """All that the public API needs to know of one workspace, read in one go and cached for seconds."""

    workspace_id: str
    datasets: Mapping[str, Dataset]
    deployments: Mapping[str, Deployment]


class ServingCatalog(Protocol):
    """Reads the metadata for serving (MySQL)."""

    def find_caller(self, api_key_id: str) -> Caller | None:
        """Return whose an unrevoked key is, or None."""

    def note_use(self, api_key_id: str, *, now: datetime) -> None:
        """Note that the key was used then; a later time that was noted stays."""

    def list_origins(self) -> Collection[str]:
        """Return the web origins that unrevoked publishable keys may be used from, of all workspaces."""

    def load_catalog(self, workspace_id: str) -> Catalog:
        """Return datasets and deployments by name."""

    def list_serving_workspaces(self, *, limit: int) -> Sequence[str]:
        """Return workspaces that have a model in production, those first whose models were moved there last."""

    def find_version(self, workspace_id: str, model_id: str, version: int) -> ModelVersion | None:
        """Return that version, serving or not, or None: callers may ask for one by number."""


class JournalCall(msgspec.Struct, frozen=True):
    """The log entries of one call as the journal holds them, and when they were appended (seconds since the epoch)."""

    appended_at: float
    payload: bytes


class Backlog(msgspec.Struct, frozen=True):
    """What the journal holds that is not confirmed. `damaged` counts what could not be read, since the reader began."""

    unshipped_bytes: int
    oldest_appended_at: float | None
    damaged: int


class LoggedCall(msgspec.Struct, frozen=True):
    """A call on its way to the log and the warehouse. `entries` is JSON: entries, or packed ones as texts, between commas."""

    workspace_id: str
    first_prediction_id: str
    entries: bytes
    assignments: tuple[Assignment | AssignmentBlock, ...]


class PredictionJournal(Protocol):
    """Where predictions are written down before they are answered (a local file that is only appended to)."""

    def append(self, entries: Sequence[PredictionLogEntry], blocks: Sequence[Block] = ()) -> None:
        """Return once all entries of a call, those in blocks too, are where the end of any process cannot lose them.

        Raises:
            UnavailableError: None was kept.
            JournalFullError: None was kept, as too much waits to be handed over.
        """


class JournalReader(Protocol):
    """Takes what processes appended, those that ended included, to hand it over. Idempotency: unconfirmed calls come again."""

    def claim(self) -> bool:
        """Return whether this process is the only one that reads; two would hand over everything twice."""

    def read(self, *, max_bytes: int) -> Sequence[JournalCall]:
        """Return calls that are not confirmed, a process's in their order: about `max_bytes` of them, at least one if there is one."""

    def confirm(self) -> None:
        """Forget what the last `read` returned: it is durable elsewhere."""

    def measure(self) -> Backlog:
        """Return what waits."""


class PredictionQueue(Protocol):
    """The way from the public API to the prediction log (SQS)."""

    def publish_calls(self, calls: Sequence[LoggedCall]) -> None:
        """Return once their entries are durable.

        Raises:
            UnavailableError: Trying again can succeed.
            InvalidInputError: One of the calls is refused for what it holds, now and later; others may be durable.
        """

    def set_aside(self, call: LoggedCall) -> str:
        """Return where a call that is refused for good is kept, once it is durable there, or raise `UnavailableError`."""


class PredictionMessages(Protocol):
    """What the consumer of the queue makes of its messages."""

    def read_entries(self, body: str) -> Sequence[PredictionLogEntry]:
        """Return the entries that a message carries or points to, or raise `InvalidInputError`."""


class PredictionLog(Protocol):
    """The prediction log (DynamoDB). Idempotency: an entry is put once per `prediction_id`."""

    def put_predictions(self, entries: Sequence[PredictionLogEntry]) -> None:
        """Return once all are durable, or raise `UnavailableError`."""

    def get_prediction(self, workspace_id: str, prediction_id: str) -> PredictionLogEntry:
        """Return it, or raise `NotFoundError`, also for another workspace's."""

    def list_by_model_day(
        self, workspace_id: str, model_id: str, day: str, *, cursor: str | None = None, limit: int = 50
    ) -> PredictionPage:
        """Return predictions created on that UTC day (YYYY-MM-DD), newest first within a shard."""

    def search(self, search: PredictionSearch, *, cursor: str | None = None, limit: int = 50) -> PredictionPage:
        """Return a page of what is searched for, of an entity or a model.

        Each page looks at a bounded part of the log: it may be short, or empty, and yet have a cursor.

        Raises:
            InvalidInputError: The cursor is none of this list.
        """

    def count_by_model_day(self, workspace_id: str, model_id: str, day: str) -> int:
        """Return how many predictions were created on that UTC day."""


class ModelFiles(Protocol):
    """Artifacts and snapshots as local files, verified by sha256 (S3, cached on disk)."""

    def read_artifact_manifest(self, key: str) -> bytes:
        """Return an object of the artifacts bucket as it is now, such as a JSON manifest, or raise `NotFoundError`."""

    def read_lake_manifest(self, key: str) -> bytes:
        """Return a JSON manifest of the lake as it is now, or raise `NotFoundError`."""

    def fetch_artifact(self, key: str, *, sha256: str) -> str:
        """Return a local path with those bytes, or raise `ChecksumError`."""

    def fetch_lake(self, key: str, *, sha256: str) -> str:
        """Return a local path with those bytes, or raise `ChecksumError`."""


class PredictionApi(Protocol):
    """The public API, as whoever calls it from outside meets it (HTTP)."""

    def predict(self, request: Mapping[str, object], *, key: str) -> ApiAnswer:
        """Return the answer to `POST /v1/predict` with that API key, refusals too; raise `UnavailableError` if there is none."""
