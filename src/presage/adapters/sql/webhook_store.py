"""Webhook endpoints, in MySQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields

import msgspec
from sqlalchemy import ColumnElement, Engine, and_, delete, select

from presage.adapters.sql.database import find_row, insert_row, list_rows, table_of, unit_of_work, update_rows
from presage.adapters.sql.notification_tables import WebhookEndpointRow
from presage.errors import NotFoundError
from presage.notifications.model import WebhookEndpoint

_TABLE = table_of(WebhookEndpointRow)
_CHANGING = tuple(field.name for field in fields(WebhookEndpoint) if field.name not in {"workspace_id", "endpoint_id", "created_at"})


class SqlWebhookStore:
    """`WebhookStore` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create_endpoint(self, endpoint: WebhookEndpoint) -> None:
        """Add it, or raise `AlreadyExistsError`."""
        with unit_of_work(self._engine, duplicate=f"Webhook {endpoint.endpoint_id}") as session:
            insert_row(session, WebhookEndpointRow, endpoint)

    def get_endpoint(self, workspace_id: str, endpoint_id: str) -> WebhookEndpoint:
        """Return it, or raise `NotFoundError`."""
        with unit_of_work(self._engine) as session:
            found = find_row(session, select(_TABLE).where(_is(workspace_id, endpoint_id)), WebhookEndpoint)
        return _require(found, endpoint_id)

    def list_endpoints(self, workspace_id: str) -> Sequence[WebhookEndpoint]:
        """Return all of a workspace's, oldest first."""
        mine = select(_TABLE).where(WebhookEndpointRow.workspace_id == workspace_id)
        with unit_of_work(self._engine) as session:
            return list_rows(session, mine.order_by(WebhookEndpointRow.created_at, WebhookEndpointRow.endpoint_id), WebhookEndpoint)

    def change_endpoint(self, workspace_id: str, endpoint_id: str, change: Callable[[WebhookEndpoint], WebhookEndpoint]) -> WebhookEndpoint:
        """Replace it by what `change` makes of it, nobody else changing it meanwhile, and return that; raise `NotFoundError`."""
        mine = _is(workspace_id, endpoint_id)
        with unit_of_work(self._engine) as session:
            locked = find_row(session, select(_TABLE).where(mine).with_for_update(), WebhookEndpoint)
            changed = change(_require(locked, endpoint_id))
            values = {name: getattr(changed, name) for name in _CHANGING} | {"events": msgspec.to_builtins(changed.events)}
            update_rows(session, WebhookEndpointRow, mine, values=values)
        return changed

    def delete_endpoint(self, workspace_id: str, endpoint_id: str) -> None:
        """Forget it; one that is not there is as good. Its deliveries stay."""
        with unit_of_work(self._engine) as session:
            session.execute(delete(_TABLE).where(_is(workspace_id, endpoint_id)))


def _is(workspace_id: str, endpoint_id: str) -> ColumnElement[bool]:
    return and_(WebhookEndpointRow.workspace_id == workspace_id, WebhookEndpointRow.endpoint_id == endpoint_id)


def _require(found: WebhookEndpoint | None, endpoint_id: str) -> WebhookEndpoint:
    if found is None:
        raise NotFoundError(f"There is no webhook {endpoint_id}")
    return found
