"""Models in a dictionary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from presage.adapters.memory.listing import MemoryListing
from presage.errors import AlreadyExistsError, NotFoundError
from presage.training.model import MODEL_LIST, ListedModel, Model


class MemoryModelRegistry:
    """`ModelRegistry` for tests."""

    def __init__(self) -> None:
        self._models: dict[tuple[str, str], Model] = {}
        self._last_versions: dict[tuple[str, str], int] = {}
        self.listing = MemoryListing(MODEL_LIST, self._list)

    def create_model(self, model: Model) -> None:
        """Add it, or raise `AlreadyExistsError` when the workspace has one of that name or id."""
        if (model.workspace_id, model.model_id) in self._models or self.find_model_by_name(model.workspace_id, model.name):
            raise AlreadyExistsError(f"a model named {model.name!r} exists already")
        self._models[model.workspace_id, model.model_id] = model

    def get_model(self, workspace_id: str, model_id: str) -> Model:
        """Return it, or raise `NotFoundError`."""
        try:
            return self._models[workspace_id, model_id]
        except KeyError as error:
            raise NotFoundError(f"no model {model_id!r}") from error

    def find_model_by_name(self, workspace_id: str, name: str) -> Model | None:
        """Return the model of that name, or None."""
        return next((model for model in self._models.values() if (model.workspace_id, model.name) == (workspace_id, name)), None)

    def list_models(self, workspace_id: str, *, after: str = "", limit: int = 50) -> Sequence[Model]:
        """Return a page in the order of `model_id`, starting behind `after`."""
        mine = (model for (owner, model_id), model in sorted(self._models.items()) if owner == workspace_id and model_id > after)
        return [model for model, _ in zip(mine, range(limit), strict=False)]

    def reserve_version(self, workspace_id: str, model_id: str) -> int:
        """Return the next version number, never given out before, or raise `NotFoundError`."""
        self.get_model(workspace_id, model_id)
        number = self._last_versions.get((workspace_id, model_id), 0) + 1
        self._last_versions[workspace_id, model_id] = number
        return number

    def _list(self, workspace_id: str) -> Iterator[ListedModel]:
        for place, model in self._models.items():
            if model.workspace_id == workspace_id:
                known = {field.name: getattr(model, field.name) for field in fields(Model)}
                yield ListedModel(**known, last_version=self._last_versions.get(place, 0))
