"""Holdouts in MySQL."""

from __future__ import annotations

from sqlalchemy import Engine, select

from presage.adapters.sql.database import find_row, insert_row, table_of, unit_of_work, update_rows
from presage.adapters.sql.tables import HoldoutRow
from presage.experiments.holdout import Holdout


class SqlHoldoutStore:
    """`HoldoutStore` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find_holdout(self, workspace_id: str) -> Holdout | None:
        """Return the workspace's, or None if none was ever set."""
        with unit_of_work(self._engine) as session:
            return find_row(session, select(table_of(HoldoutRow)).where(HoldoutRow.workspace_id == workspace_id), Holdout)

    def put_holdout(self, holdout: Holdout) -> None:
        """Keep it in place of the last one."""
        mine = HoldoutRow.workspace_id == holdout.workspace_id
        with unit_of_work(self._engine, duplicate="A holdout, set at the same time,") as session:
            locked = session.execute(select(HoldoutRow.workspace_id).where(mine).with_for_update()).one_or_none()
            if locked is None:
                insert_row(session, HoldoutRow, holdout)
            else:
                values = {"share": holdout.share, "changed_by": holdout.changed_by, "changed_at": holdout.changed_at}
                update_rows(session, HoldoutRow, mine, values=values)
