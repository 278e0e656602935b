"""Operators' events in a list."""

from __future__ import annotations

from collections.abc import Sequence

from presage.errors import AlreadyExistsError
from presage.experiments.events import ExperimentEvent


class MemoryExperimentEvents:
    """`ExperimentEvents` for tests."""

    def __init__(self) -> None:
        self._events: dict[tuple[str, str], list[ExperimentEvent]] = {}

    def append_event(self, event: ExperimentEvent) -> None:
        """Append, or raise `AlreadyExistsError` when that number was taken."""
        events = self._events.setdefault((event.workspace_id, event.experiment_id), [])
        if any(found.number == event.number for found in events):
            raise AlreadyExistsError(f"Event {event.number} of experiment {event.experiment_id} exists already")
        events.append(event)

    def list_events(self, workspace_id: str, experiment_id: str) -> Sequence[ExperimentEvent]:
        """Return all events, oldest first."""
        return sorted(self._events.get((workspace_id, experiment_id), []), key=lambda event: event.number)
