"""The prediction log in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from presage.errors import InvalidInputError, NotFoundError
from presage.predictions.ports import PredictionLogEntry, PredictionPage, PredictionSearch


class MemoryPredictionLog:
    """`PredictionLog` in a dictionary. A cursor is the id of the page's last entry."""

    def __init__(self) -> None:
        """Start empty."""
        self.entries: dict[str, PredictionLogEntry] = {}

    def put_predictions(self, entries: Sequence[PredictionLogEntry]) -> None:
        """Keep them; an entry put again overwrites itself."""
        self.entries.update((entry.prediction_id, entry) for entry in entries)

    def get_prediction(self, workspace_id: str, prediction_id: str) -> PredictionLogEntry:
        """Return it, or raise `NotFoundError`, also for another workspace's."""
        entry = self.entries.get(prediction_id)
        if entry is None or entry.workspace_id != workspace_id:
            raise NotFoundError(f"There is no prediction {prediction_id!r}")
        return entry

    def list_by_model_day(
        self, workspace_id: str, model_id: str, day: str, *, cursor: str | None = None, limit: int = 50
    ) -> PredictionPage:
        """Return predictions created on that UTC day (YYYY-MM-DD), newest first."""
        return self._page(self._of_day(workspace_id, model_id, day), cursor, limit)

    def search(self, search: PredictionSearch, *, cursor: str | None = None, limit: int = 50) -> PredictionPage:
        """Return a page of what is searched for; no page is short here."""
        of_then = (entry for entry in self.entries.values() if search.since <= entry.created_at < search.until)
        found = [
            entry
            for entry in of_then
            if entry.workspace_id == search.workspace_id
            and search.wants(model_id=entry.model_id, entity_id=entry.entity_id, variant=entry.variant)
        ]
        return self._page(found, cursor, limit, oldest_first=search.oldest_first)

    def count_by_model_day(self, workspace_id: str, model_id: str, day: str) -> int:
        """Return how many predictions were created on that UTC day."""
        return len(self._of_day(workspace_id, model_id, day))

    def _of_day(self, workspace_id: str, model_id: str, day: str) -> list[PredictionLogEntry]:
        wanted = (workspace_id, model_id, day)
        return [
            entry
            for entry in self.entries.values()
            if (entry.workspace_id, entry.model_id, f"{entry.created_at.astimezone(UTC):%Y-%m-%d}") == wanted
        ]

    def _page(self, entries: Sequence[PredictionLogEntry], cursor: str | None, limit: int, *, oldest_first: bool = False) -> PredictionPage:
        ordered = sorted(entries, key=lambda entry: (entry.created_at, entry.prediction_id), reverse=not oldest_first)
        ids = [entry.prediction_id for entry in ordered]
        if cursor is not None and cursor not in ids:
            raise InvalidInputError(f"{cursor!r} is no cursor of this list", path="$.cursor")
        start = 0 if cursor is None else ids.index(cursor) + 1
        page = ordered[start : start + limit]
        return PredictionPage(page, page[-1].prediction_id if start + limit < len(ids) else None)
