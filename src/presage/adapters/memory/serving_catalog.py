"""The metadata for serving in memory."""

from __future__ import annotations

from presage.errors import UnavailableError
from presage.predictions.ports import Catalog
from presage.training.model import ModelVersion


class MemoryServingCatalog:
    """`ServingCatalog` of what it was given. While `down`, every call raises `UnavailableError`."""

    def __init__(self) -> None:
        """Start without keys and workspaces."""
        self.workspace_of_key: dict[str, str] = {}
        self.catalogs: dict[str, Catalog] = {}
        self.versions: list[ModelVersion] = []
        self.down = False

    def find_workspace_id(self, api_key_id: str) -> str | None:
        """Return the workspace of an unrevoked key, or None."""
        self._answer()
        return self.workspace_of_key.get(api_key_id)

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
