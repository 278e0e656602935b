"""Experiments and their looks in MySQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from presage.adapters.sql.database import find_row, insert_row, list_rows, table_of, unit_of_work, update_rows
from presage.adapters.sql.listing import SqlListing
from presage.adapters.sql.tables import ExperimentRow, LookRow, WorkspaceRow
from presage.errors import AlreadyExistsError, ConflictError, NotFoundError
from presage.experiments.model import EXPERIMENT_LIST, Experiment, Look, State

ACTIVE_STATES: frozenset[State] = frozenset({"running", "paused_srm"})


class SqlExperimentStore:
    """`ExperimentStore` on an engine. A unique key keeps a model from having two experiments running."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.listing = SqlListing(engine, ExperimentRow, Experiment, EXPERIMENT_LIST)

    def create_experiment(self, experiment: Experiment) -> None:
        """Add it, or raise `AlreadyExistsError` when the workspace has one of that name."""
        active = experiment.model_id if experiment.state in ACTIVE_STATES else None
        with unit_of_work(self._engine, duplicate=f"An experiment named {experiment.plan.name!r}") as session:
            insert_row(session, ExperimentRow, experiment, name=experiment.plan.name, active_model_id=active)

    def get_experiment(self, workspace_id: str, experiment_id: str) -> Experiment:
        """Return it, or raise `NotFoundError`."""
        statement = select(table_of(ExperimentRow)).where(
            ExperimentRow.workspace_id == workspace_id, ExperimentRow.experiment_id == experiment_id
        )
        with unit_of_work(self._engine) as session:
            experiment = find_row(session, statement, Experiment)
        if experiment is None:
            raise NotFoundError(f"There is no experiment {experiment_id}")
        return experiment

    def list_experiments(self, workspace_id: str, *, after: str = "", limit: int = 50) -> Sequence[Experiment]:
        """Return a page in the order of `experiment_id`, starting behind `after`."""
        statement = (
            select(table_of(ExperimentRow))
            .where(ExperimentRow.workspace_id == workspace_id, ExperimentRow.experiment_id > after)
            .order_by(ExperimentRow.experiment_id)
            .limit(limit)
        )
        with unit_of_work(self._engine) as session:
            return list_rows(session, statement, Experiment)

    def list_running(self, *, after: str = "", limit: int = 50) -> Sequence[Experiment]:
        """Return running experiments of all workspaces in the order of `experiment_id`, starting behind `after`."""
        statement = (
            select(table_of(ExperimentRow))
            .where(ExperimentRow.state.in_(ACTIVE_STATES), ExperimentRow.experiment_id > after)
            .order_by(ExperimentRow.experiment_id)
            .limit(limit)
        )
        with unit_of_work(self._engine) as session:
            return list_rows(session, statement, Experiment)

    def move_state(
        self, experiment: Experiment, *, state: State, now: datetime, check: Callable[[Sequence[Experiment]], None] | None = None
    ) -> Experiment:
        """Change the state if it is still as given (sets its time) and keep what the start fixes, or raise `ConflictError`.

        `check` is called before with the workspace's running and paused experiments, and may refuse; the workspace's row is locked
        from before its call until the change.
        """
        started_at = experiment.started_at or (now if state in ACTIVE_STATES else None)
        concluded_at = None if state in ACTIVE_STATES or state == "draft" else now
        values = {
            "state": state,
            "started_at": started_at,
            "concluded_at": concluded_at,
            "control_version": experiment.control_version,
            "holdout_share": experiment.holdout_share,
            "active_model_id": experiment.model_id if state in ACTIVE_STATES else None,
        }
        try:
            with unit_of_work(self._engine) as session:
                if check is not None:
                    check(_lock_active(session, experiment.workspace_id))
                changed = update_rows(
                    session,
                    ExperimentRow,
                    ExperimentRow.workspace_id == experiment.workspace_id,
                    ExperimentRow.experiment_id == experiment.experiment_id,
                    ExperimentRow.state == experiment.state,
                    values=values,
                )
        except AlreadyExistsError as error:
            raise ConflictError(f"Model {experiment.model_id} has another experiment running") from error
        if not changed:
            raise ConflictError(f"Experiment {experiment.experiment_id} is no longer {experiment.state}")
        return replace(experiment, state=state, started_at=started_at, concluded_at=concluded_at)

    def append_look(self, look: Look) -> None:
        """Append, or raise `AlreadyExistsError` when that number was taken."""
        with unit_of_work(self._engine, duplicate=f"Look {look.number} of experiment {look.experiment_id}") as session:
            insert_row(session, LookRow, look)

    def list_looks(self, workspace_id: str, experiment_id: str, *, before: int | None = None, limit: int | None = None) -> Sequence[Look]:
        """Return looks, oldest first: all, or of those numbered below `before` the newest `limit`."""
        statement = (
            select(table_of(LookRow))
            .where(LookRow.workspace_id == workspace_id, LookRow.experiment_id == experiment_id)
            .order_by(LookRow.number.desc())
            .limit(limit)
        )
        if before is not None:
            statement = statement.where(LookRow.number < before)
        with unit_of_work(self._engine) as session:
            return list_rows(session, statement, Look)[::-1]


def _lock_active(session: Session, workspace_id: str) -> list[Experiment]:
    """Return the workspace's active experiments; whoever locks them too waits for the end of this transaction."""
    session.execute(select(WorkspaceRow.workspace_id).where(WorkspaceRow.workspace_id == workspace_id).with_for_update())
    active = ExperimentRow.workspace_id == workspace_id, ExperimentRow.state.in_(ACTIVE_STATES)
    return list_rows(session, select(table_of(ExperimentRow)).where(*active), Experiment)
