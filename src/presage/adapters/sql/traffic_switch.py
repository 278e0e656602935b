"""Moves the production alias's traffic in MySQL when an experiment concludes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Engine, select

from presage.adapters.sql.database import insert_row, list_rows, table_of, unit_of_work
from presage.adapters.sql.tables import AliasMoveRow, ModelRow
from presage.errors import ConflictError
from presage.experiments.model import Experiment, Traffic
from presage.training.model import AliasMove


class SqlTrafficSwitch:
    """`TrafficSwitch` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def switch_traffic(self, experiment: Experiment, *, to: Traffic, version: int | None, reason: str, now: datetime) -> None:
        """Append the move to the alias's history; without a `version` it stays the one that serves.

        Idempotency: once per `reason`, which names the experiment; the model's row is locked meanwhile.

        Raises:
            ConflictError: Nothing serves in production yet.
        """
        model = (ModelRow.workspace_id == experiment.workspace_id, ModelRow.model_id == experiment.model_id)
        history = (
            select(table_of(AliasMoveRow))
            .where(
                AliasMoveRow.workspace_id == experiment.workspace_id,
                AliasMoveRow.model_id == experiment.model_id,
                AliasMoveRow.alias == "production",
            )
            .order_by(AliasMoveRow.sequence.desc())
        )
        with unit_of_work(self._engine) as session:
            session.execute(select(ModelRow.model_id).where(*model).with_for_update())
            moves = list_rows(session, history, AliasMove)
            if not moves:
                raise ConflictError(f"Model {experiment.model_id} has no version in production whose traffic could be moved")
            if all(move.reason != reason for move in moves):
                insert_row(
                    session, AliasMoveRow, replace(moves[0], version=version or moves[0].version, traffic=to, reason=reason, moved_at=now)
                )
