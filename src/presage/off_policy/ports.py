"""What off-policy estimates need from outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from presage.features.ports import DatasetStore, FeatureSetStore
from presage.predictions.loading import ScorerCache
from presage.predictions.ports import PredictionLog
from presage.training.ports import VersionRegistry


class EstimateStore(Protocol):
    """Estimates as JSON (S3). What was written stays as it is."""

    def create_estimate(self, workspace_id: str, place: tuple[str, int], estimate_id: str, body: bytes) -> None:
        """Write it under (model, version), or raise `AlreadyExistsError`."""

    def find_estimate(self, workspace_id: str, place: tuple[str, int], estimate_id: str) -> bytes | None:
        """Return its bytes, or None if there is none."""

    def list_estimates(self, workspace_id: str, place: tuple[str, int], *, after: str = "", limit: int = 50) -> Sequence[str]:
        """Return a page of a version's estimate ids, in their order, starting behind `after`."""


@dataclass(frozen=True, slots=True)
class OffPolicyPorts:
    """What an estimate is made from, and where it is kept."""

    log: PredictionLog
    versions: VersionRegistry
    scorers: ScorerCache
    datasets: DatasetStore
    feature_sets: FeatureSetStore
    estimates: EstimateStore
