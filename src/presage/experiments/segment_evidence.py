"""What a look keeps of segments: the difference of every arm to control in every group."""

from __future__ import annotations

from dataclasses import dataclass

from presage.experiments.model import Variant, VariantStatistics
from presage.experiments.segments import GroupKind
from presage.stats.effect import Estimate
from presage.stats.sequential import Interval, Mixture


@dataclass(frozen=True, slots=True)
class GroupArm:
    """One arm's comparison with control in one group. `estimate` is the difference; `inconclusive` says why there is no `interval`."""

    arm: Variant
    treatment: VariantStatistics
    estimate: Estimate[float] | None
    interval: Interval[float] | None
    inconclusive: str | None


@dataclass(frozen=True, slots=True)
class GroupEvidence:
    """One group at one look; `arms` are in the plan's order."""

    kind: GroupKind
    value: str | None
    control: VariantStatistics
    arms: tuple[GroupArm, ...]


@dataclass(frozen=True, slots=True)
class SegmentEvidence:
    """One segment at one look. `mixtures`, an arm each, have the error rate that is left for each of its groups."""

    segment: str
    dataset_version: int | None
    loaded_parts: int
    sql: str
    mixtures: tuple[Mixture, ...]
    groups: tuple[GroupEvidence, ...]
