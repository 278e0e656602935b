"""Results by segments of units: for display, and never part of a decision.

A unit is in the group that its newest record of the segment's dataset puts it in, of those with an event timestamp up to its first
exposure: what was true before a unit met its variant cannot be an effect of it. So the groups of all variants are alike, and
their difference is one that the variant made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from presage.experiments.model import Source, UnitSegment, VariantStatistics

GroupKind = Literal["value", "other", "none"]
GROUP_KINDS: tuple[GroupKind, ...] = ("value", "other", "none")
LONGEST_VALUE = 200
"""Characters of a value by which units are told apart; values that begin with the same ones are taken for the same."""


@dataclass(frozen=True, slots=True)
class SegmentGroup:
    """The primary metric's statistics in one group: units of one `value`, of all `other` values, or with `none` (value None).

    `arms` are in the plan's order.
    """

    kind: GroupKind
    value: str | None
    control: VariantStatistics
    arms: tuple[VariantStatistics, ...]

    @property
    def units(self) -> int:
        """Those of all variants."""
        return self.control.units + sum(arm.units for arm in self.arms)


@dataclass(frozen=True, slots=True)
class SegmentStatistics:
    """The groups of a segment, as `order_groups` has them. `sql` computes them from the assignments and outcomes that were loaded."""

    groups: tuple[SegmentGroup, ...]
    sql: str


@dataclass(frozen=True, slots=True)
class CountedSegment:
    """A segment as the warehouse counted it, of which version of its dataset. `loaded_parts` are those that this look brought."""

    segment: str
    statistics: SegmentStatistics
    dataset_version: int | None
    loaded_parts: int


def build_segment_source(segment: UnitSegment) -> Source:
    """Return what a segment reads. Its values are kept as the items of its outcomes, whatever the column's type."""
    return Source(f"{segment.name}/segment", segment.dataset, None, segment.column)


def order_groups(groups: Iterable[SegmentGroup]) -> tuple[SegmentGroup, ...]:
    """Return the values, the one with the most units first, then all other values, then the units without one."""
    return tuple(sorted(groups, key=_rank))


def _rank(group: SegmentGroup) -> tuple[int, int, str]:
    return GROUP_KINDS.index(group.kind), -group.units, group.value or ""
