"""Which variant a unit meets: a pure function, so every task, retry and later audit gives the same answer.

A unit's place in [0, 1) depends on a salt alone. Three independent places decide, one after the other: that in the holdout, whose units
meet no experiment; that in the layer, of which each experiment owns a part, so that no unit is in two experiments of one layer; and that
in the experiment, where arms lie side by side in their order.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import accumulate, pairwise
from math import isclose
from typing import Literal, NamedTuple

from presage.errors import InvalidInputError
from presage.experiments.model import CONTROL, Experiment, Variant, list_arms

BUCKETS = 2**53


@dataclass(frozen=True, slots=True)
class Segment:
    """The part [start, end) of what `salt` spreads units over: a holdout, or an experiment's part of a layer.

    Raises:
        InvalidInputError: Not 0 <= start < end <= 1.
    """

    salt: str
    start: float
    end: float

    def __post_init__(self) -> None:
        """Refuse a part that is none."""
        if not 0.0 <= self.start < self.end <= 1.0:
            raise InvalidInputError(f"a segment needs 0 <= start < end <= 1, got [{self.start}, {self.end})", path="$.segment")


@dataclass(frozen=True, slots=True)
class Arm:
    """A variant's name and its share of the experiment's units, in (0, 1]."""

    name: str
    weight: float


@dataclass(frozen=True, slots=True)
class Allocation:
    """How an experiment's units are divided. As long as it stays, so does every unit; a change of weights is a new `version` of it.

    `ends` is where each arm's part of [0, 1) ends, worked out once for the many units that are placed by it.

    Raises:
        InvalidInputError: Fewer than two arms, a name twice, weights that are no shares of 1, or a version below 1.
    """

    salt: str
    arms: tuple[Arm, ...]
    holdout: Segment | None = None
    segment: Segment | None = None
    version: int = 1
    ends: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse arms that cannot be drawn from."""
        names, weights = [arm.name for arm in self.arms], [arm.weight for arm in self.arms]
        if len(names) < 2 or len(set(names)) < len(names):  # noqa: PLR2004 - one arm is no experiment
            raise InvalidInputError(f"an allocation needs at least two arms of different names, got {names}", path="$.arms")
        if min(weights) <= 0.0 or not isclose(sum(weights), 1.0, abs_tol=1e-9):
            raise InvalidInputError(f"weights must be above 0 and sum to 1, got {weights}", path="$.arms")
        if self.version < 1:
            raise InvalidInputError(f"version must be at least 1, got {self.version}", path="$.version")
        object.__setattr__(self, "ends", _list_ends(self.arms))


class Placement(NamedTuple):
    """The arm that a unit meets, or None with why it is in none. `version` is the allocation's."""

    arm: str | None
    excluded: Literal["holdout", "other_segment"] | None
    version: int


def build_allocation(experiment: Experiment, weights: Sequence[Sequence[float]]) -> Allocation:
    """Return how the experiment's units are divided by the newest of `weights`, its arms' under each version.

    Control's part lies last, so that raising the share of a single arm moves units into it and none out.
    """
    held, names = experiment.holdout_share, (arm.name for arm in list_arms(experiment.plan))
    arms = tuple(Arm(name, weight) for name, weight in zip(names, weights[-1], strict=True))
    return Allocation(
        salt=experiment.salt,
        arms=(*arms, Arm(CONTROL, 1.0 - sum(weights[-1]))),
        holdout=Segment(f"holdout\x00{experiment.workspace_id}", 0.0, held) if held else None,
        segment=find_segment(experiment),
        version=len(weights),
    )


def find_segment(experiment: Experiment) -> Segment | None:
    """Return the experiment's part of a layer of its workspace, or None without one."""
    part = experiment.plan.segment
    return None if part is None else Segment(f"layer\x00{experiment.workspace_id}\x00{part.layer}", part.start, part.end)


def compute_position(*, salt: str, unit_id: str) -> float:
    """Return the unit's place in [0, 1): the first 53 bits of sha256(salt, unit). Places under different salts are independent."""
    digest = sha256(f"{salt}\x00{unit_id}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / BUCKETS


def assign_variant(*, salt: str, unit_id: str, treatment_share: float) -> Variant:
    """Return the variant of `unit_id` in the experiment that `salt` belongs to; below `treatment_share` (in [0, 1]) is treatment.

    Sticky: the same arguments always give the same variant, and raising the share moves units into treatment only.
    """
    return "treatment" if compute_position(salt=salt, unit_id=unit_id) < treatment_share else "control"


def place_unit(unit_id: str, allocation: Allocation) -> Placement:
    """Return where the unit belongs. With the arms (treatment, control) and neither holdout nor segment, as `assign_variant`."""
    if allocation.holdout is not None and _is_within(allocation.holdout, unit_id):
        return Placement(None, "holdout", allocation.version)
    if allocation.segment is not None and not _is_within(allocation.segment, unit_id):
        return Placement(None, "other_segment", allocation.version)
    position = compute_position(salt=allocation.salt, unit_id=unit_id)
    return Placement(allocation.arms[bisect_right(allocation.ends, position)].name, None, allocation.version)


def compute_moved_share(before: Allocation, after: Allocation) -> float:
    """Return the share of the experiment's units that meet another arm from `after` on, in [0, 1].

    Those units have met two arms, which takes them out of the analysis. Both are versions of one allocation.
    """
    olds, news = [0.0, *before.ends], [0.0, *after.ends]
    overlaps = (min(old[1], new[1]) - max(old[0], new[0]) for old, new in zip(pairwise(olds), pairwise(news), strict=True))
    return max(0.0, 1.0 - sum(max(0.0, overlap) for overlap in overlaps))


def share_units(one: Segment, other: Segment) -> bool:
    """Return whether some unit may be in both: they are parts of one layer that overlap."""
    return one.salt == other.salt and one.start < other.end and other.start < one.end


def _is_within(segment: Segment, unit_id: str) -> bool:
    return segment.start <= compute_position(salt=segment.salt, unit_id=unit_id) < segment.end


def _list_ends(arms: Sequence[Arm]) -> tuple[float, ...]:
    """Return where each arm's part ends; the last one's is 1, whatever rounding made of the sum."""
    return (*accumulate(arm.weight for arm in arms[:-1]), 1.0)
