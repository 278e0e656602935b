"""Retraining policies in MySQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, and_, or_, select, true

from presage.adapters.sql.database import find_row, insert_row, list_rows, table_of, unit_of_work, update_rows
from presage.adapters.sql.tables import RetrainingPolicyRow
from presage.training.retraining import RetrainingPolicy


class SqlRetrainingPolicyStore:
    """`RetrainingPolicyStore` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find_policy(self, workspace_id: str, model_id: str) -> RetrainingPolicy | None:
        """Return the model's, or None."""
        mine = and_(RetrainingPolicyRow.workspace_id == workspace_id, RetrainingPolicyRow.model_id == model_id)
        with unit_of_work(self._engine) as session:
            return find_row(session, select(table_of(RetrainingPolicyRow)).where(mine), RetrainingPolicy)

    def put_policy(self, policy: RetrainingPolicy) -> None:
        """Keep it in place of the model's last one."""
        mine = and_(RetrainingPolicyRow.workspace_id == policy.workspace_id, RetrainingPolicyRow.model_id == policy.model_id)
        with unit_of_work(self._engine, duplicate="A retraining policy, set at the same time,") as session:
            locked = session.execute(select(RetrainingPolicyRow.model_id).where(mine).with_for_update()).one_or_none()
            if locked is None:
                insert_row(session, RetrainingPolicyRow, policy)
                return
            names = ("every_days", "on_drift", "changed_by", "changed_at")
            update_rows(session, RetrainingPolicyRow, mine, values={name: getattr(policy, name) for name in names})

    def list_policies(self, *, after: str = "", limit: int = 100) -> Sequence[RetrainingPolicy]:
        """Return a page of those of all workspaces that ever build something, in the order of `model_id`, starting behind `after`."""
        builds = or_(RetrainingPolicyRow.every_days.is_not(None), RetrainingPolicyRow.on_drift == true())
        behind = select(table_of(RetrainingPolicyRow)).where(builds, RetrainingPolicyRow.model_id > after)
        with unit_of_work(self._engine) as session:
            return list_rows(session, behind.order_by(RetrainingPolicyRow.model_id).limit(limit), RetrainingPolicy)
