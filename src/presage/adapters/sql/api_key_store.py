"""Which gateway key belongs to which workspace, in MySQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Engine, func, select, tuple_

from presage.adapters.sql.database import find_row, insert_row, list_rows, table_of, unit_of_work, update_rows
from presage.adapters.sql.listing import SqlListing
from presage.adapters.sql.tables import ApiKeyRow
from presage.errors import NotFoundError
from presage.tenancy.model import API_KEY_LIST, ApiKey


class SqlApiKeyStore:
    """`ApiKeyStore` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.listing = SqlListing(engine, ApiKeyRow, ApiKey, API_KEY_LIST)

    def create_api_key(self, key: ApiKey) -> None:
        """Add it, or raise `AlreadyExistsError`."""
        with unit_of_work(self._engine, duplicate=f"API key {key.api_key_id}") as session:
            insert_row(session, ApiKeyRow, key)

    def find_api_key(self, api_key_id: str) -> ApiKey | None:
        """Return the key by the gateway's id of it, or None; revoked keys are returned as such."""
        statement = select(table_of(ApiKeyRow)).where(ApiKeyRow.api_key_id == api_key_id)
        with unit_of_work(self._engine) as session:
            return find_row(session, statement, ApiKey)

    def list_api_keys(self, workspace_id: str, *, before: str = "", limit: int = 50) -> Sequence[ApiKey]:
        """Return a page of the workspace's keys, newest first, starting behind the key id `before`."""
        statement = select(table_of(ApiKeyRow)).where(ApiKeyRow.workspace_id == workspace_id)
        if before:
            mark = select(ApiKeyRow.created_at, ApiKeyRow.api_key_id).where(
                ApiKeyRow.workspace_id == workspace_id, ApiKeyRow.api_key_id == before
            )
            statement = statement.where(tuple_(ApiKeyRow.created_at, ApiKeyRow.api_key_id) < mark.scalar_subquery())
        page = statement.order_by(ApiKeyRow.created_at.desc(), ApiKeyRow.api_key_id.desc()).limit(limit)
        with unit_of_work(self._engine) as session:
            return list_rows(session, page, ApiKey)

    def limit_api_key(self, workspace_id: str, api_key_id: str, *, expires_at: datetime) -> None:
        """Let it expire then, unless it does so sooner, or raise `NotFoundError`."""
        sooner = func.least(func.coalesce(ApiKeyRow.expires_at, expires_at), expires_at)
        self._update(workspace_id, api_key_id, {"expires_at": sooner})

    def revoke_api_key(self, workspace_id: str, api_key_id: str, *, now: datetime) -> None:
        """Note the revocation, or raise `NotFoundError`. Idempotency: the first time stands."""
        self._update(workspace_id, api_key_id, {"revoked_at": func.coalesce(ApiKeyRow.revoked_at, now)})

    def _update(self, workspace_id: str, api_key_id: str, values: Mapping[str, object]) -> None:
        mine = (ApiKeyRow.workspace_id == workspace_id, ApiKeyRow.api_key_id == api_key_id)
        with unit_of_work(self._engine) as session:
            if not update_rows(session, ApiKeyRow, *mine, values=values):
                raise NotFoundError(f"There is no API key {api_key_id}")
