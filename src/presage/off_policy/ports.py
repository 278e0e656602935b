"""What off-policy estimates need from outside, beside what predictions and experiments do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class EstimateStore(Protocol):
    """Estimates as JSON (S3). What was written stays as it is."""

    def create_estimate(self, workspace_id: str, place: tuple[str, int], estimate_id: str, body: bytes) -> None:
        """Write it under (model, version), or raise `AlreadyExistsError`."""

    def find_estimate(self, workspace_id: str, place: tuple[str, int], estimate_id: str) -> bytes | None:
        """Return its bytes, or None if there is none."""

    def list_estimates(self, workspace_id: str, place: tuple[str, int], *, after: str = "", limit: int = 50) -> Sequence[str]:
        """Return a page of a version's estimate ids, in their order, starting behind `after`."""
