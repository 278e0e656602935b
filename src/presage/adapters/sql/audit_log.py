"""The audit log in MySQL. This code adds and reads; the table's triggers refuse all else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Engine, RowMapping, Select, select

from presage.adapters.sql.audit_tables import AuditEntryRow
from presage.adapters.sql.database import table_of, unit_of_work
from presage.adapters.sql.tables import WorkspaceRow
from presage.errors import NotFoundError
from presage.tenancy.audit import AuditEntry, AuditSearch, Head, encode_canonical, to_wire

PAGE = 500
"""Entries that are held at once when all are read."""
_TABLE = table_of(AuditEntryRow)


class SqlAuditLog:
    """`AuditLog` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(self, workspace_id: str, build: Callable[[Head], AuditEntry]) -> AuditEntry:
        """Add what `build` makes of the workspace's last entry. The workspace's row is locked meanwhile.

        Raises:
            NotFoundError: There is no such workspace.
            UnavailableError: The database did not answer, or others held the workspace's row for too long.
        """
        lock = select(WorkspaceRow.workspace_id).where(WorkspaceRow.workspace_id == workspace_id).with_for_update()
        last = select(_TABLE.c.sequence, _TABLE.c.sha256).where(_TABLE.c.workspace_id == workspace_id).order_by(_TABLE.c.sequence.desc())
        with unit_of_work(self._engine, duplicate=f"The next entry of the audit log of {workspace_id}") as session:
            if session.execute(lock).one_or_none() is None:
                raise NotFoundError(f"There is no workspace {workspace_id}")
            found = session.execute(last.limit(1)).one_or_none()
            entry = build(Head(*found) if found is not None else Head())
            session.execute(_TABLE.insert().values(_to_row(entry)))
        return entry

    def list_entries(self, workspace_id: str, search: AuditSearch, *, before: int | None = None, limit: int = 50) -> Sequence[AuditEntry]:
        """Return a page of those wanted, newest first, of sequences below `before`."""
        wanted: list[ColumnElement[bool]] = [AuditEntryRow.workspace_id == workspace_id]
        if before is not None:
            wanted.append(AuditEntryRow.sequence < before)
        if search.user_id is not None:
            wanted.append(AuditEntryRow.user_id == search.user_id)
        if search.action is not None:
            wanted.append(AuditEntryRow.action == search.action)
        if search.since is not None:
            wanted.append(AuditEntryRow.at >= search.since)
        if search.until is not None:
            wanted.append(AuditEntryRow.at < search.until)
        return self._read(select(_TABLE).where(*wanted).order_by(AuditEntryRow.sequence.desc()).limit(limit))

    def iterate(self, workspace_id: str) -> Iterator[AuditEntry]:
        """Yield all entries, oldest first, `PAGE` at a time."""
        after = 0
        while True:
            following = (AuditEntryRow.workspace_id == workspace_id, AuditEntryRow.sequence > after)
            page = self._read(select(_TABLE).where(*following).order_by(AuditEntryRow.sequence).limit(PAGE))
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1].sequence

    def _read(self, statement: Select[Any]) -> list[AuditEntry]:
        with unit_of_work(self._engine) as session:
            return [_from_row(row) for row in session.execute(statement).mappings()]


def _to_row(entry: AuditEntry) -> dict[str, object]:
    told = {"at": entry.at, "targets": encode_canonical(entry.targets).decode(), "detail": encode_canonical(entry.detail).decode()}
    return to_wire(entry) | told


def _from_row(row: RowMapping) -> AuditEntry:
    return msgspec.convert({**row, "targets": json.loads(row["targets"]), "detail": json.loads(row["detail"])}, AuditEntry)
