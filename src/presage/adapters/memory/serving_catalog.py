"""The metadata for serving in memory."""

from __future__ import annotations

from presage.errors import UnavailableError
from presage.predictions.ports import Catalog
from presage.tenancy.model import Caller
from presage.training.model import ModelVersion


class MemoryServingCatalog:
    """`ServingCatalog` of what it was given. While `down`, every call raises `UnavailableError`."""

    def __init__(self) -> None:
        """Start without keys and workspaces."""
        self.callers: dict[str, Caller] = {}
        self.catalogs: dict[str, Catalog] = {}
        self.versions: list[ModelVersion] = []
        self.down = False

    def find_caller(self, api_key_id: str) -> Caller | None:
        """Return whose an unrevoked key is, or None."""
        self._answer()
        return self.callers.get(api_key_id)

    def load_catalog(self, workspace_id: str) -> Catalog:
        """Return datasets and deployments by name."""
        self._answer()
        return self.catalogs.get(workspace_id, Catalog(workspace_id, {}, {}))

    def find_version(self, workspace_id: str, model_id: str, version: int) -> ModelVersion | None:
        """Return that version, serving or not, or None."""
        self._answer()
        wanted = (workspace_id, model_id, version)
        return next((found for found in self.versions if (found.workspace_id, found.model_id, found.version) == wanted), None)

    def _answer(self) -> None:
        if self.down:
            raise UnavailableError("The database is down")
