"""Model versions and the history of aliases in MySQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, and_, func, select

from presage.adapters.sql.database import find_row, insert_row, list_rows, table_of, unit_of_work
from presage.adapters.sql.tables import AliasMoveRow, ModelRow, ModelVersionRow
from presage.errors import NotFoundError
from presage.training.model import Alias, AliasMove, ModelVersion


class SqlVersionRegistry:
    """`VersionRegistry` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create_version(self, version: ModelVersion) -> None:
        """Add it, or raise `AlreadyExistsError`."""
        with unit_of_work(self._engine, duplicate=f"Version {version.version} of model {version.model_id}") as session:
            insert_row(session, ModelVersionRow, version)

    def list_versions(self, workspace_id: str, model_id: str, *, before: int | None = None, limit: int = 50) -> Sequence[ModelVersion]:
        """Return a page of versions, newest first, of those before the version `before`."""
        mine = (ModelVersionRow.workspace_id == workspace_id, ModelVersionRow.model_id == model_id)
        earlier = () if before is None else (ModelVersionRow.version < before,)
        statement = select(table_of(ModelVersionRow)).where(*mine, *earlier).order_by(ModelVersionRow.version.desc()).limit(limit)
        with unit_of_work(self._engine) as session:
            return list_rows(session, statement, ModelVersion)

    def get_version(self, workspace_id: str, model_id: str, version: int) -> ModelVersion:
        """Return it, or raise `NotFoundError`."""
        statement = select(table_of(ModelVersionRow)).where(
            ModelVersionRow.workspace_id == workspace_id,
            ModelVersionRow.model_id == model_id,
            ModelVersionRow.version == version,
        )
        with unit_of_work(self._engine) as session:
            found = find_row(session, statement, ModelVersion)
        if found is None:
            raise NotFoundError(f"Model {model_id} has no version {version}")
        return found

    def append_alias_move(self, move: AliasMove) -> None:
        """Append to the alias's history; the newest entry serves."""
        with unit_of_work(self._engine) as session:
            insert_row(session, AliasMoveRow, move)

    def advance_alias(self, move: AliasMove) -> bool:
        """Append unless its version or a later one has served under the alias; the model's row is locked meanwhile."""
        model = select(ModelRow.model_id).where(ModelRow.workspace_id == move.workspace_id, ModelRow.model_id == move.model_id)
        reached = select(AliasMoveRow.sequence).where(
            AliasMoveRow.workspace_id == move.workspace_id,
            AliasMoveRow.model_id == move.model_id,
            AliasMoveRow.alias == move.alias,
            AliasMoveRow.version >= move.version,
        )
        with unit_of_work(self._engine) as session:
            session.execute(model.with_for_update())
            if session.execute(reached.limit(1)).first() is not None:
                return False
            insert_row(session, AliasMoveRow, move)
        return True

    def list_in_production(self, *, after: str = "", limit: int = 100) -> Sequence[ModelVersion]:
        """Return a page of the versions in production whose models answer, in the order of `model_id`, starting behind `after`."""
        newest = select(func.max(AliasMoveRow.sequence)).where(AliasMoveRow.alias == "production", AliasMoveRow.model_id > after)
        moves = newest.group_by(AliasMoveRow.workspace_id, AliasMoveRow.model_id).scalar_subquery()
        serves = and_(
            AliasMoveRow.workspace_id == ModelVersionRow.workspace_id,
            AliasMoveRow.model_id == ModelVersionRow.model_id,
            AliasMoveRow.version == ModelVersionRow.version,
        )
        statement = (
            select(table_of(ModelVersionRow))
            .join(AliasMoveRow, serves)
            .where(AliasMoveRow.sequence.in_(moves), AliasMoveRow.traffic == "model")
            .order_by(ModelVersionRow.model_id)
            .limit(limit)
        )
        with unit_of_work(self._engine) as session:
            return list_rows(session, statement, ModelVersion)

    def list_alias_moves(self, workspace_id: str, model_id: str, alias: Alias) -> Sequence[AliasMove]:
        """Return the history, newest first."""
        statement = (
            select(table_of(AliasMoveRow))
            .where(AliasMoveRow.workspace_id == workspace_id, AliasMoveRow.model_id == model_id, AliasMoveRow.alias == alias)
            .order_by(AliasMoveRow.sequence.desc())
        )
        with unit_of_work(self._engine) as session:
            return list_rows(session, statement, AliasMove)
