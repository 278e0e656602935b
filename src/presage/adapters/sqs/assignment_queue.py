"""Assignments on an SQS queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from presage.experiments.messages import encode_messages
from presage.experiments.model import Assignment, AssignmentBlock


class SqsAssignmentQueue:
    """`AssignmentQueue` on SQS. What is published twice after an error counts once: the warehouse merges by prediction."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        """Publish by `send`, which returns once a message is durable (`SqsMessageSender`)."""
        self._send = send

    def publish_assignments(self, assignments: Sequence[Assignment | AssignmentBlock]) -> None:
        """Return once they are durable, or raise `UnavailableError`, or `InvalidInputError` if SQS never takes one of them."""
        if not assignments:
            return
        for body in encode_messages(assignments):
            self._send(body)
