"""The lake and the artifacts bucket as two dictionaries."""

from __future__ import annotations

from collections.abc import Sequence


class MemoryTrainingFiles:
    """`TrainingFiles` for tests. Both dictionaries are public, so that a test can look."""

    def __init__(self) -> None:
        self.lake: dict[str, bytes] = {}
        self.artifacts: dict[str, bytes] = {}

    def read_lake(self, key: str) -> bytes | None:
        """Return an object of the lake, or None."""
        return self.lake.get(key)

    def list_lake(self, prefix: str) -> Sequence[str]:
        """Return the keys below a prefix of the lake, sorted."""
        return sorted(key for key in self.lake if key.startswith(prefix))

    def put_lake(self, key: str, body: bytes) -> None:
        """Write an object of the lake."""
        self.lake[key] = body

    def read_artifact(self, key: str) -> bytes | None:
        """Return an object of the artifacts bucket, or None."""
        return self.artifacts.get(key)

    def put_artifact(self, key: str, body: bytes) -> None:
        """Write an object of the artifacts bucket."""
        self.artifacts[key] = body
