"""Off-policy estimates in a dictionary."""

from __future__ import annotations

from collections.abc import Sequence

from presage.errors import AlreadyExistsError


class MemoryEstimateStore:
    """`EstimateStore` for tests."""

    def __init__(self) -> None:
        self._bodies: dict[tuple[str, tuple[str, int], str], bytes] = {}

    def create_estimate(self, workspace_id: str, place: tuple[str, int], estimate_id: str, body: bytes) -> None:
        """Write it under (model, version), or raise `AlreadyExistsError`."""
        if (workspace_id, place, estimate_id) in self._bodies:
            raise AlreadyExistsError(f"There is an estimate {estimate_id} already")
        self._bodies[workspace_id, place, estimate_id] = body

    def find_estimate(self, workspace_id: str, place: tuple[str, int], estimate_id: str) -> bytes | None:
        """Return its bytes, or None if there is none."""
        return self._bodies.get((workspace_id, place, estimate_id))

    def list_estimates(self, workspace_id: str, place: tuple[str, int], *, after: str = "", limit: int = 50) -> Sequence[str]:
        """Return a page of a version's estimate ids, in their order, starting behind `after`."""
        ids = sorted(found for workspace, of, found in self._bodies if (workspace, of) == (workspace_id, place))
        return [found for found in ids if found > after][:limit]
