"""Draws simulated experiments hour by hour, and merges the hours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from presage.experiments.certification.populations import Conversion, Pair, Population
from presage.experiments.model import ExperimentPlan, list_arms
from presage.stats.elementwise import Array
from presage.stats.moments import Moments, PairMoments, merge_pair_moments

HOURS_A_DAY = 24
DAYS = 14
LOOKS = DAYS * HOURS_A_DAY

Scale = Literal["difference", "log_ratio"]


@dataclass(frozen=True)
class Trial:
    """A population under a lift in each arm (0 for A/A), decided on a scale by a plan. `units_a_look` of all variants arrive each hour."""

    population: Population
    scale: Scale
    lifts: tuple[float, ...]
    plan: ExperimentPlan
    units_a_look: int

    @property
    def truths(self) -> tuple[float, ...]:
        """Each arm's effect, on the scale that is decided on."""
        return tuple(log(1.0 + lift) if self.scale == "log_ratio" else self.population.mean * lift for lift in self.lifts)


@dataclass(frozen=True)
class History:
    """All that was seen. Shape: each array (runs, looks), all of it up to and including the look."""

    control: Pair
    arms: tuple[Pair, ...]
    valued: tuple[Array, ...]
    """Units with a value other than 0 in control and each arm: for a binary metric, its conversions."""


def draw_history(trial: Trial, *, runs: int, generator: np.random.Generator, looks: int = LOOKS) -> History:
    """Return the hours drawn and merged, one after the other."""
    (control, *arms), valued = _draw_hours(trial, shape=(runs, looks), generator=generator)
    return History(_accumulate(control), tuple(_accumulate(arm) for arm in arms), tuple(units.cumsum(axis=1) for units in valued))


def _draw_hours(trial: Trial, *, shape: tuple[int, int], generator: np.random.Generator) -> tuple[list[Pair], list[Array]]:
    """Return control's and each arm's moments of each hour, and their units with a value."""
    population, lifts = trial.population, (*trial.lifts, 0.0)
    weights = [arm.weight for arm in list_arms(trial.plan)]
    if isinstance(population, Conversion):
        units = generator.multinomial(trial.units_a_look, [*weights, 1.0 - sum(weights)], shape)
        order = (len(weights), *range(len(weights)))
        drawn = {place: population.draw_counts(generator, units[..., place], lift=lifts[place]) for place in order}
        return list(drawn.values()), [found.first.units * found.first.mean for found in drawn.values()]
    places = np.searchsorted(np.cumsum(weights), generator.random((*shape, trial.units_a_look)), side="right")
    values, companions = population.draw(generator, np.array(lifts)[places])
    chosen = [places == place for place in (len(weights), *range(len(weights)))]
    counts = [((values != 0.0) & mine).sum(axis=-1).astype(np.float64) for mine in chosen]
    return [_reduce(values, companions, mine) for mine in chosen], counts


def _reduce(first: Array, second: Array, chosen: NDArray[np.bool_]) -> Pair:
    """Return the moments of the chosen units of each hour, in two passes."""
    units = chosen.sum(axis=-1).astype(np.float64)
    parts = [_center(values, chosen, units) for values in (first, second)]
    (one, one_mean), (other, other_mean) = parts
    squares, other_squares, products = ((left * right).sum(axis=-1) for left, right in ((one, one), (other, other), (one, other)))
    return PairMoments(Moments(units, one_mean, squares), Moments(units, other_mean, other_squares), products)


def _center(values: Array, chosen: NDArray[np.bool_], units: Array) -> tuple[Array, Array]:
    mean = (values * chosen).sum(axis=-1) / np.maximum(units, 1.0)
    return (values - mean[..., None]) * chosen, mean


def select(moments: Pair, choose: Callable[[Array], Array]) -> Pair:
    """Return the moments of chosen elements; `choose` indexes each array alike."""
    first, second = (Moments(choose(one.units), choose(one.mean), choose(one.squares)) for one in (moments.first, moments.second))
    return PairMoments(first, second, choose(moments.products))


def _accumulate(hours: Pair) -> Pair:
    """Return what was known after each hour: the hours merged in turn, as the product merges what an hour adds."""
    known, totals = select(hours, lambda values: values[:, 0]), select(hours, np.copy)
    for look in range(1, hours.products.shape[1]):
        known = merge_pair_moments(known, select(hours, lambda values, at=look: values[:, at]))  # type: ignore[misc]  # a default is bound
        for total, values in zip(_list_arrays(totals), _list_arrays(known), strict=True):
            total[:, look] = values
    return totals


def _list_arrays(moments: Pair) -> list[Array]:
    first, second = moments.first, moments.second
    return [first.units, first.mean, first.squares, second.units, second.mean, second.squares, moments.products]
