"""Reports on versions in a dictionary."""

from __future__ import annotations

from collections.abc import Sequence

from presage.errors import AlreadyExistsError


class MemoryVersionReportStore:
    """`VersionReportStore` for tests."""

    def __init__(self) -> None:
        self._bodies: dict[tuple[str, tuple[str, int], str], bytes] = {}

    def create_report(self, workspace_id: str, place: tuple[str, int], report_id: str, body: bytes) -> None:
        """Write it under (model, version), or raise `AlreadyExistsError`."""
        if (workspace_id, place, report_id) in self._bodies:
            raise AlreadyExistsError(f"There is a report {report_id} already")
        self._bodies[workspace_id, place, report_id] = body

    def find_report(self, workspace_id: str, place: tuple[str, int], report_id: str) -> bytes | None:
        """Return its bytes, or None if there is none."""
        return self._bodies.get((workspace_id, place, report_id))

    def list_reports(self, workspace_id: str, place: tuple[str, int], *, after: str = "", limit: int = 50) -> Sequence[str]:
        """Return a page of the ids of a version's reports, in their order, starting behind `after`."""
        ids = sorted(found for workspace, of, found in self._bodies if (workspace, of) == (workspace_id, place))
        return [found for found in ids if found > after][:limit]
