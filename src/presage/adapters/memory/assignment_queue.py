"""Assignments in a list."""

from __future__ import annotations

from collections.abc import Sequence

from presage.experiments.model import Assignment


class MemoryAssignmentQueue:
    """`AssignmentQueue` for tests; `published` is what arrived."""

    def __init__(self) -> None:
        self.published: list[Assignment] = []

    def publish_assignments(self, assignments: Sequence[Assignment]) -> None:
        """Keep them."""
        self.published.extend(assignments)
