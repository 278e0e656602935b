"""Model versions and alias histories in lists."""

from __future__ import annotations

from collections.abc import Sequence

from presage.errors import AlreadyExistsError, NotFoundError
from presage.training.model import Alias, AliasMove, ModelVersion


class MemoryVersionRegistry:
    """`VersionRegistry` for tests."""

    def __init__(self) -> None:
        self._versions: dict[tuple[str, str, int], ModelVersion] = {}
        self._moves: list[AliasMove] = []

    def create_version(self, version: ModelVersion) -> None:
        """Add it, or raise `AlreadyExistsError`."""
        key = (version.workspace_id, version.model_id, version.version)
        if key in self._versions:
            raise AlreadyExistsError(f"model {version.model_id!r} has a version {version.version} already")
        self._versions[key] = version

    def list_versions(self, workspace_id: str, model_id: str, *, before: int | None = None, limit: int = 50) -> Sequence[ModelVersion]:
        """Return a page of versions, newest first, of those before the version `before`."""
        mine = [found for found in self._versions.values() if (found.workspace_id, found.model_id) == (workspace_id, model_id)]
        earlier = [found for found in mine if before is None or found.version < before]
        return sorted(earlier, key=lambda found: found.version, reverse=True)[:limit]

    def get_version(self, workspace_id: str, model_id: str, version: int) -> ModelVersion:
        """Return it, or raise `NotFoundError`."""
        try:
            return self._versions[workspace_id, model_id, version]
        except KeyError as error:
            raise NotFoundError(f"model {model_id!r} has no version {version}") from error

    def append_alias_move(self, move: AliasMove) -> None:
        """Append to the alias's history; the newest entry serves."""
        self._moves.append(move)

    def advance_alias(self, move: AliasMove) -> bool:
        """Append unless its version or a later one has served under the alias; return whether it was appended."""
        if any(served.version >= move.version for served in self.list_alias_moves(move.workspace_id, move.model_id, move.alias)):
            return False
        self.append_alias_move(move)
        return True

    def list_in_production(self, *, after: str = "", limit: int = 100) -> Sequence[ModelVersion]:
        """Return a page of the versions in production whose models answer, in the order of `model_id`, starting behind `after`."""
        newest = {move.model_id: move for move in self._moves if move.alias == "production"}
        answering = sorted(model_id for model_id, move in newest.items() if move.traffic == "model" and model_id > after)
        moves = [newest[model_id] for model_id in answering[:limit]]
        return [self.get_version(move.workspace_id, move.model_id, move.version) for move in moves]

    def list_alias_moves(self, workspace_id: str, model_id: str, alias: Alias) -> Sequence[AliasMove]:
        """Return the history, newest first."""
        key = (workspace_id, model_id, alias)
        return [move for move in reversed(self._moves) if (move.workspace_id, move.model_id, move.alias) == key]
