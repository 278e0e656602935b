"""What experiments need from outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from presage.experiments.events import ExperimentEvent
from presage.experiments.fingerprint import Fingerprint
from presage.experiments.model import (
    Assignment,
    AssignmentBlock,
    Experiment,
    Look,
    Metric,
    MetricStatistics,
    Source,
    State,
    Traffic,
    UnitSegment,
)
from presage.experiments.segments import SegmentStatistics
from presage.features.records import FeatureSetVersion

if TYPE_CHECKING:
    from presage.experiments.holdout import Holdout

ExposureCounts = tuple[int, int, int, datetime | None]
"""Rows, units, units that met a second variant, first exposure."""


class ExperimentStore(Protocol):
    """Experiments and their looks (MySQL)."""

    def create_experiment(self, experiment: Experiment) -> None:
        """Add it, or raise `AlreadyExistsError` when the workspace has one of that name."""

    def get_experiment(self, workspace_id: str, experiment_id: str) -> Experiment:
        """Return it, or raise `NotFoundError`."""

    def list_experiments(self, workspace_id: str, *, after: str = "", limit: int = 50) -> Sequence[Experiment]:
        """Return a page in the order of `experiment_id`, starting behind `after`."""

    def move_state(
        self, experiment: Experiment, *, state: State, now: datetime, check: Callable[[Sequence[Experiment]], None] | None = None
    ) -> Experiment:
        """Change the state if it is still as given (sets its time) and keep what the start fixes, or raise `ConflictError`.

        `check` is called before with the workspace's running and paused experiments, and may refuse; no other one becomes active
        between its call and the change.
        """

    def append_look(self, look: Look) -> None:
        """Append, or raise `AlreadyExistsError` when that number was taken."""

    def list_looks(self, workspace_id: str, experiment_id: str, *, before: int | None = None, limit: int | None = None) -> Sequence[Look]:
        """Return looks, oldest first: all, or of those numbered below `before` the newest `limit`."""


class ExperimentEvents(Protocol):
    """What operators did to experiments (MySQL)."""

    def append_event(self, event: ExperimentEvent) -> None:
        """Append, or raise `AlreadyExistsError` when that number was taken."""

    def list_events(self, workspace_id: str, experiment_id: str) -> Sequence[ExperimentEvent]:
        """Return all events, oldest first."""


class HoldoutStore(Protocol):
    """The holdouts of workspaces (MySQL)."""

    def find_holdout(self, workspace_id: str) -> Holdout | None:
        """Return the workspace's, or None if none was ever set."""

    def put_holdout(self, holdout: Holdout) -> None:
        """Keep it in place of the last one."""


class CertificateStore(Protocol):
    """Certificates of concluded experiments (S3). What was written stays as it is."""

    def create_certificate(self, workspace_id: str, experiment_id: str, body: bytes) -> None:
        """Write it, or raise `AlreadyExistsError` when the experiment has one."""

    def find_certificate(self, workspace_id: str, experiment_id: str) -> bytes | None:
        """Return its bytes, or None while there is none."""


class RunningExperiments(Protocol):
    """What the hourly analysis goes through (MySQL)."""

    def list_running(self, *, after: str = "", limit: int = 50) -> Sequence[Experiment]:
        """Return running and paused experiments of all workspaces in the order of `experiment_id`, starting behind `after`."""


class AssignmentQueue(Protocol):
    """The way from the public API to the warehouse (SQS)."""

    def publish_assignments(self, assignments: Sequence[Assignment | AssignmentBlock]) -> None:
        """Return once they are durable, or raise `UnavailableError`."""


class Warehouse(Protocol):
    """Assignments, outcomes and what each unit did (Redshift).

    Idempotency: loading the same rows again, in any order, changes nothing.
    """

    def load_assignments(self, assignments: Sequence[Assignment]) -> None:
        """Stage and merge exposures by `prediction_id`."""

    def load_outcomes(self, experiment: Experiment, version: FeatureSetVersion, source: Source) -> int:
        """Copy the parts of the version that are not loaded yet, merge by `record_id`, and return how many parts were."""

    def update_units(self, experiment: Experiment, *, as_of: datetime) -> int:
        """Compute anew what each unit did of which something was loaded since the last call; return how many units those are.

        `as_of` is the time of the look to come. It changes no statistics, but what that look has to read.
        """

    def get_exposures(self, experiment: Experiment, *, as_of: datetime, loaded_until: datetime) -> ExposureCounts:
        """Return what `WarehouseLedger.count_exposures` does, as of the last `update_units`.

        Both are the same when that had all that was loaded until then, and nothing that was loaded later.
        """

    def get_first_exposure(self, workspace_id: str, experiment_id: str) -> datetime | None:
        """Return when the first unit was exposed, or None."""

    def get_statistics(
        self, experiment: Experiment, metric: Metric, *, as_of: datetime, full: bool = False, allocation_version: int = 1
    ) -> MetricStatistics:
        """Return the metric's statistics over units (without crossovers) whose window closed at or before `as_of`.

        Only units count whose exposures are of `allocation_version` or later: whom an earlier one had met is not new.

        They are as of the last `update_units`; `full` computes them from all assignments and outcomes instead. But for rounding,
        both are the same.
        """


class WarehouseLedger(Protocol):
    """What the warehouse held at an earlier time (Redshift). It only reads; `loaded_until` None means everything."""

    def get_clock(self) -> datetime:
        """Return the warehouse's time when it was asked, once what was being loaded then can be read; later loads have later times."""

    def count_exposures(self, experiment: Experiment, *, as_of: datetime, loaded_until: datetime | None) -> ExposureCounts:
        """Return (rows, units, units that met a second variant, first exposure) up to `as_of` of what was loaded until then."""

    def recompute_statistics(
        self, experiment: Experiment, metric: Metric, *, as_of: datetime, loaded_until: datetime | None, allocation_version: int = 1
    ) -> MetricStatistics:
        """Return the metric's statistics from all assignments and outcomes that were loaded until then."""

    def count_segment(
        self, experiment: Experiment, segment: UnitSegment, *, as_of: datetime, loaded_until: datetime | None, allocation_version: int = 1
    ) -> SegmentStatistics:
        """Return the primary metric's statistics in each group, of the units that `Warehouse.get_statistics` counts.

        What units did is as of the last `update_units`, which group they are in of what was loaded until then.
        """

    def recompute_segment(
        self, experiment: Experiment, segment: UnitSegment, *, as_of: datetime, loaded_until: datetime | None, allocation_version: int = 1
    ) -> SegmentStatistics:
        """Return the same from all assignments and outcomes that were loaded until then; but for rounding, both are the same."""

    def read_fingerprints(self, experiment: Experiment, *, after: datetime | None, until: datetime | None) -> Sequence[Fingerprint]:
        """Return one for each table, of the experiment's rows that were loaded in (after, until]."""


class TrafficSwitch(Protocol):
    """Moves the production alias when an experiment concludes (MySQL)."""

    def switch_traffic(self, experiment: Experiment, *, to: Traffic, version: int | None, reason: str, now: datetime) -> None:
        """Append the move to the alias's history; without a `version` it stays.

        Idempotency: once per `reason`, which names the experiment.
        """


class ServedVersions(Protocol):
    """Which versions of a model have been in production (MySQL)."""

    def list_served(self, workspace_id: str, model_id: str) -> Sequence[int]:
        """Return the versions of the production alias's history, the one that serves now first."""
