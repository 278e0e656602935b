"""Holdouts in a dictionary."""

from __future__ import annotations

from presage.experiments.holdout import Holdout


class MemoryHoldoutStore:
    """`HoldoutStore` for tests."""

    def __init__(self) -> None:
        self._holdouts: dict[str, Holdout] = {}

    def find_holdout(self, workspace_id: str) -> Holdout | None:
        """Return the workspace's, or None if none was ever set."""
        return self._holdouts.get(workspace_id)

    def put_holdout(self, holdout: Holdout) -> None:
        """Keep it in place of the last one."""
        self._holdouts[holdout.workspace_id] = holdout
