"""Loads that did not land because their columns are not their dataset's: kept with what was found, until somebody decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, Protocol

from presage.errors import ConflictError, NotFoundError
from presage.features.schema.model import ColumnChange, list_breaking
from presage.tenancy.model import User
from presage.tenancy.permissions import authorise

Verdict = Literal["released", "discarded"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided of a load; `job_id` is the import that was to land it."""

    verdict: Verdict
    by: str
    at: datetime
    job_id: str | None = None


@dataclass(frozen=True, slots=True)
class QuarantinedLoad:
    """A file that was to be imported, now at `key`; of a warehouse, which can be read again, nothing is kept, and `key` is empty.

    `load_id` is the id of the job that was to import it, and `arguments` are its own. `changes` are all that was
    found, `rows` how many rows were compared. `decisions` are in the order in which they were made.
    """

    workspace_id: str
    dataset_id: str
    load_id: str
    key: str
    arguments: Mapping[str, object]
    schema_version: int
    rows: int
    changes: tuple[ColumnChange, ...]
    held_at: datetime
    decisions: tuple[Decision, ...] = field(default=())

    @property
    def breaking(self) -> tuple[ColumnChange, ...]:
        """The changes that keep it from landing."""
        return list_breaking(self.changes)


class QuarantineStore(Protocol):
    """Quarantined loads with their files (S3)."""

    def hold_load(self, load: QuarantinedLoad, *, source_key: str) -> None:
        """Copy the file at `source_key` to the load's key, if it has one, then write the load. Idempotency: one that is held stays."""

    def find_load(self, workspace_id: str, dataset_id: str, load_id: str) -> QuarantinedLoad | None:
        """Return it with its decisions, or None."""

    def list_loads(self, workspace_id: str, dataset_id: str, *, after: str = "", limit: int = 50) -> Sequence[QuarantinedLoad]:
        """Return a page in the order of `load_id`, starting behind `after`."""

    def add_decision(self, load: QuarantinedLoad, decision: Decision) -> None:
        """Write it behind the load's decisions, or raise `ConflictError` when another one was written there."""

    def delete_file(self, load: QuarantinedLoad) -> None:
        """Delete the load's file; what was found is kept. One that is gone, or never was, is as good."""


def get_load(store: QuarantineStore, workspace_id: str, dataset_id: str, load_id: str) -> QuarantinedLoad:
    """Return a load.

    Raises:
        NotFoundError: The dataset has none of that id in quarantine.
    """
    load = store.find_load(workspace_id, dataset_id, load_id)
    if load is None:
        raise NotFoundError(f"There is no load {load_id} in quarantine")
    return load


def decide(load: QuarantinedLoad, decision: Decision, *, by: User, store: QuarantineStore, is_job_over: bool) -> QuarantinedLoad:
    """Note a decision and return the load with it; a discarded load's file is deleted.

    Idempotency: to discard again deletes what is left.

    Raises:
        ForbiddenError: `by` lacks `data.write`.
        ConflictError: It was discarded, is being imported, or somebody else decided meanwhile.
    """
    authorise(by, "data.write")
    last = load.decisions[-1] if load.decisions else None
    if last is not None and last.verdict == "discarded":
        if decision.verdict == "released":
            raise ConflictError(f"The load {load.load_id} was discarded")
        store.delete_file(load)
        return load
    if last is not None and not is_job_over:
        raise ConflictError(f"The load {load.load_id} was released, and is imported by {last.job_id}")
    store.add_decision(load, decision)
    if decision.verdict == "discarded":
        store.delete_file(load)
    return replace(load, decisions=(*load.decisions, decision))
