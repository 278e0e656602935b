"""Reports in a dictionary."""

from __future__ import annotations

from presage.training.reports import build_report_key


class MemoryTrainingReportStore:
    """`TrainingReportStore` for tests; `lake` is what the trainer wrote, by key."""

    def __init__(self) -> None:
        self.lake: dict[str, bytes] = {}

    def find_report_file(self, workspace_id: str, place: tuple[str, int], name: str) -> bytes | None:
        """Return one of the files of (model, version) by its name, or None."""
        return self.lake.get(build_report_key(workspace_id, *place, name))
