"""Which versions of a model have been in production, for whoever compares one with another."""

from __future__ import annotations

from collections.abc import Sequence

from presage.training.ports import VersionRegistry


class AliasHistory:
    """What the production alias's moves say."""

    def __init__(self, versions: VersionRegistry) -> None:
        """Read from `versions`."""
        self._versions = versions

    def list_served(self, workspace_id: str, model_id: str) -> Sequence[int]:
        """Return the versions of the production alias's history, the one that serves now first."""
        return [move.version for move in self._versions.list_alias_moves(workspace_id, model_id, "production")]
