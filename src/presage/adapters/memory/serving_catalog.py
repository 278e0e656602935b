"""The metadata for serving in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from presage.errors import UnavailableError
from presage.predictions.ports import Catalog
from presage.tenancy.model import Caller
from presage.training.model import ModelVersion


class MemoryServingCatalog:
    """`ServingCatalog` of what it was given. While `down`, every call raises `UnavailableError`; `asked` counts them."""

    def __init__(self) -> None:
        """Start without keys and workspaces."""
        self.callers: dict[str, Caller] = {}
        self.catalogs: dict[str, Catalog] = {}
        self.versions: list[ModelVersion] = []
        self.down = False
        self.read_only = False
        self.asked: Counter[str] = Counter()

    def find_caller(self, api_key_id: str) -> Caller | None:
        """Return whose an unrevoked key is, or None."""
        self._answer("find_caller")
        return self.callers.get(api_key_id)

    def note_use(self, api_key_id: str, *, now: datetime) -> None:
        """Note that the key was used then. While `read_only`, raise `UnavailableError`."""
        if self.read_only:
            raise UnavailableError("The database takes no writes")
        self.callers[api_key_id] = replace(self.callers[api_key_id], last_used_at=now)

    def list_origins(self) -> Collection[str]:
        """Return the web origins that publishable keys may be used from, of all workspaces."""
        self._answer("list_origins")
        return {origin for caller in self.callers.values() for origin in caller.origins}

    def load_catalog(self, workspace_id: str) -> Catalog:
        """Return datasets and deployments by name."""
        self._answer("load_catalog")
        return self.catalogs.get(workspace_id, Catalog(workspace_id, {}, {}))

    def list_serving_workspaces(self, *, limit: int) -> Sequence[str]:
        """Return workspaces that have a model in production, those first whose models were moved there last."""
        self._answer("list_serving_workspaces")
        moves = [found.move for catalog in self.catalogs.values() for found in catalog.deployments.values() if found.move is not None]
        newest_first = sorted(moves, key=lambda move: move.moved_at, reverse=True)
        return list(dict.fromkeys(move.workspace_id for move in newest_first))[:limit]

    def find_version(self, workspace_id: str, model_id: str, version: int) -> ModelVersion | None:
        """Return that version, serving or not, or None."""
        self._answer("find_version")
        wanted = (workspace_id, model_id, version)
        return next((found for found in self.versions if (found.workspace_id, found.model_id, found.version) == wanted), None)

    def _answer(self, question: str) -> None:
        self.asked[question] += 1
        if self.down:
            raise UnavailableError("The database is down")
