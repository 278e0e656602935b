"""Operators' events in MySQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, select

from presage.adapters.sql.database import insert_row, list_rows, table_of, unit_of_work
from presage.adapters.sql.tables import ExperimentEventRow
from presage.experiments.events import ExperimentEvent


class SqlExperimentEvents:
    """`ExperimentEvents` on an engine; the key keeps two orders at once from taking one number."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append_event(self, event: ExperimentEvent) -> None:
        """Append, or raise `AlreadyExistsError` when that number was taken."""
        with unit_of_work(self._engine, duplicate=f"Event {event.number} of experiment {event.experiment_id}") as session:
            insert_row(session, ExperimentEventRow, event)

    def list_events(self, workspace_id: str, experiment_id: str) -> Sequence[ExperimentEvent]:
        """Return all events, oldest first."""
        statement = (
            select(table_of(ExperimentEventRow))
            .where(ExperimentEventRow.workspace_id == workspace_id, ExperimentEventRow.experiment_id == experiment_id)
            .order_by(ExperimentEventRow.number)
        )
        with unit_of_work(self._engine) as session:
            return list_rows(session, statement, ExperimentEvent)
