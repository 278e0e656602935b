"""Deliveries of notifications, in MySQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Engine, delete, func, select, tuple_

from presage.adapters.sql.database import list_rows, table_of, unit_of_work, update_rows
from presage.adapters.sql.notification_tables import DeliveryRow
from presage.notifications.model import Delivery


class SqlDeliveryStore:
    """`DeliveryStore` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list_due(self, *, now: datetime, limit: int = 400, of_target: int = 20) -> Sequence[Delivery]:
        """Return pending ones whose time has come, `of_target` of one target at most, all targets' first ones before any second one."""
        order = (DeliveryRow.due_at, DeliveryRow.delivery_id)
        place = func.row_number().over(partition_by=(DeliveryRow.workspace_id, DeliveryRow.target_id), order_by=order)
        due = (
            select(table_of(DeliveryRow), place.label("place")).where(DeliveryRow.state == "pending", DeliveryRow.due_at <= now).subquery()
        )
        page = select(due).where(due.c.place <= of_target).order_by(due.c.place, due.c.due_at, due.c.delivery_id).limit(limit)
        with unit_of_work(self._engine) as session:
            return list_rows(session, page, Delivery)

    def claim_delivery(self, delivery: Delivery, *, now: datetime, until: datetime) -> Delivery | None:
        """Count an attempt and let it be due again at `until`; None if another one has it or it is not due or pending any more."""
        claimed = replace(delivery, attempts=delivery.attempts + 1, due_at=until)
        values = {"attempts": claimed.attempts, "due_at": until}
        with unit_of_work(self._engine) as session:
            changed = update_rows(session, DeliveryRow, *_is_at(delivery), DeliveryRow.due_at <= now, values=values)
        return claimed if changed else None

    def record_attempt(self, delivery: Delivery) -> None:
        """Keep what the claimed attempt came to, unless a later one was begun meanwhile."""
        names = ("state", "due_at", "last_status", "message", "ended_at")
        with unit_of_work(self._engine) as session:
            update_rows(session, DeliveryRow, *_is_at(delivery), values={name: getattr(delivery, name) for name in names})

    def list_deliveries(self, workspace_id: str, target_id: str, *, before: str = "", limit: int = 50) -> Sequence[Delivery]:
        """Return a page of a target's, newest first, starting behind the delivery id `before`."""
        statement = select(table_of(DeliveryRow)).where(DeliveryRow.workspace_id == workspace_id, DeliveryRow.target_id == target_id)
        if before:
            mark = select(DeliveryRow.created_at, DeliveryRow.delivery_id).where(
                DeliveryRow.workspace_id == workspace_id, DeliveryRow.delivery_id == before
            )
            statement = statement.where(tuple_(DeliveryRow.created_at, DeliveryRow.delivery_id) < mark.scalar_subquery())
        page = statement.order_by(DeliveryRow.created_at.desc(), DeliveryRow.delivery_id.desc()).limit(limit)
        with unit_of_work(self._engine) as session:
            return list_rows(session, page, Delivery)

    def delete_ended(self, *, before: datetime, limit: int) -> int:
        """Forget those of all workspaces that ended before that, at most `limit`, and return how many."""
        some = delete(table_of(DeliveryRow)).where(DeliveryRow.ended_at < before).with_dialect_options(mysql_limit=limit)
        with unit_of_work(self._engine) as session:
            return cast("CursorResult[Any]", session.execute(some)).rowcount


def _is_at(delivery: Delivery) -> tuple[ColumnElement[bool], ...]:
    return (
        DeliveryRow.workspace_id == delivery.workspace_id,
        DeliveryRow.delivery_id == delivery.delivery_id,
        DeliveryRow.state == "pending",
        DeliveryRow.attempts == delivery.attempts,
    )
