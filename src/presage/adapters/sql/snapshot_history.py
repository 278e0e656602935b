"""The snapshots of versions in MySQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, select

from presage.adapters.sql.database import insert_row, list_rows, table_of, unit_of_work
from presage.adapters.sql.tables import SnapshotRow
from presage.errors import AlreadyExistsError
from presage.training.model import VersionSnapshot


class SqlSnapshotHistory:
    """`SnapshotHistory` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append_snapshot(self, snapshot: VersionSnapshot) -> None:
        """Append to the version's history; one of the same key again changes nothing."""
        try:
            with unit_of_work(self._engine, duplicate=snapshot.snapshot_key) as session:
                insert_row(session, SnapshotRow, snapshot)
        except AlreadyExistsError:
            return

    def list_snapshots(self, workspace_id: str, model_id: str, version: int, *, limit: int = 50) -> Sequence[VersionSnapshot]:
        """Return the history, newest first."""
        statement = (
            select(table_of(SnapshotRow))
            .where(SnapshotRow.workspace_id == workspace_id, SnapshotRow.model_id == model_id, SnapshotRow.version == version)
            .order_by(SnapshotRow.sequence.desc())
            .limit(limit)
        )
        with unit_of_work(self._engine) as session:
            return list_rows(session, statement, VersionSnapshot)
