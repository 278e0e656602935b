"""The snapshots of versions in a list."""

from __future__ import annotations

from collections.abc import Sequence

from presage.training.model import VersionSnapshot


class MemorySnapshotHistory:
    """`SnapshotHistory` for tests."""

    def __init__(self) -> None:
        self._snapshots: list[VersionSnapshot] = []

    def append_snapshot(self, snapshot: VersionSnapshot) -> None:
        """Append to the version's history; one of the same key again changes nothing."""
        if (snapshot.workspace_id, snapshot.snapshot_key) not in {(found.workspace_id, found.snapshot_key) for found in self._snapshots}:
            self._snapshots.append(snapshot)

    def list_snapshots(self, workspace_id: str, model_id: str, version: int, *, limit: int = 50) -> Sequence[VersionSnapshot]:
        """Return the history, newest first."""
        place = (workspace_id, model_id, version)
        return [found for found in reversed(self._snapshots) if (found.workspace_id, found.model_id, found.version) == place][:limit]
