"""Models in MySQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, select

from presage.adapters.sql.database import find_row, insert_row, list_rows, table_of, unit_of_work, update_rows
from presage.adapters.sql.listing import SqlListing
from presage.adapters.sql.tables import ModelRow
from presage.errors import NotFoundError
from presage.training.model import MODEL_LIST, ListedModel, Model


class SqlModelRegistry:
    """`ModelRegistry` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.listing = SqlListing(engine, ModelRow, ListedModel, MODEL_LIST)

    def create_model(self, model: Model) -> None:
        """Add it, or raise `AlreadyExistsError` when the workspace has one of that name."""
        with unit_of_work(self._engine, duplicate=f"A model named {model.name!r}") as session:
            insert_row(session, ModelRow, model)

    def get_model(self, workspace_id: str, model_id: str) -> Model:
        """Return it, or raise `NotFoundError`."""
        statement = select(table_of(ModelRow)).where(ModelRow.workspace_id == workspace_id, ModelRow.model_id == model_id)
        with unit_of_work(self._engine) as session:
            model = find_row(session, statement, Model)
        if model is None:
            raise NotFoundError(f"There is no model {model_id}")
        return model

    def find_model_by_name(self, workspace_id: str, name: str) -> Model | None:
        """Return the model of that name, or None."""
        statement = select(table_of(ModelRow)).where(ModelRow.workspace_id == workspace_id, ModelRow.name == name)
        with unit_of_work(self._engine) as session:
            return find_row(session, statement, Model)

    def list_models(self, workspace_id: str, *, after: str = "", limit: int = 50) -> Sequence[Model]:
        """Return a page in the order of `model_id`, starting behind `after`."""
        statement = (
            select(table_of(ModelRow))
            .where(ModelRow.workspace_id == workspace_id, ModelRow.model_id > after)
            .order_by(ModelRow.model_id)
            .limit(limit)
        )
        with unit_of_work(self._engine) as session:
            return list_rows(session, statement, Model)

    def reserve_version(self, workspace_id: str, model_id: str) -> int:
        """Return the next version number, never given out before, or raise `NotFoundError`. Unused numbers leave gaps."""
        with unit_of_work(self._engine) as session:
            mine = (ModelRow.workspace_id == workspace_id, ModelRow.model_id == model_id)
            if update_rows(session, ModelRow, *mine, values={"last_version": ModelRow.last_version + 1}) == 0:
                raise NotFoundError(f"There is no model {model_id}")
            return session.execute(select(ModelRow.last_version).where(*mine)).scalar_one()
