"""Assignments in a list."""

from __future__ import annotations

from collections.abc import Sequence

from presage.experiments.messages import decode_message, encode_messages
from presage.experiments.model import Assignment, AssignmentBlock


class MemoryAssignmentQueue:
    """`AssignmentQueue` for tests; `published` is what arrived."""

    def __init__(self) -> None:
        self.published: list[Assignment] = []

    def publish_assignments(self, assignments: Sequence[Assignment | AssignmentBlock]) -> None:
        """Keep them, or raise `InvalidInputError` if one is larger than a message may be."""
        for body in encode_messages(assignments):
            self.published.extend(decode_message(body))
