"""CUPED: the part of a metric that was known before the experiment is taken out of its noise.

References:
    Deng, Xu, Kohavi & Walker, "Improving the Sensitivity of Online Controlled Experiments by Utilizing Pre-Experiment Data"
    (WSDM 2013), section 3.
"""

from __future__ import annotations

from presage.stats.effect import Sample
from presage.stats.elementwise import Real, holds_anywhere
from presage.stats.inconclusive import Inconclusive
from presage.stats.moments import ROUNDING, PairMoments, merge_pair_moments


def adjust_by_covariate(control: PairMoments[Real], treatment: PairMoments[Real]) -> tuple[Sample[Real], Sample[Real]] | Inconclusive:
    """Return both variants' samples of `first` (the metric), adjusted by `second` (the same units' value before exposure).

    The slope is that of the merged sample of both variants, and means are adjusted to the merged covariate's mean, so that they stay
    in the metric's unit. Inconclusive below two units in an arm, and when the covariate does not vary.
    """
    if holds_anywhere(control.first.units < 2) or holds_anywhere(treatment.first.units < 2):  # noqa: PLR2004 - a variance needs two
        return Inconclusive("an arm has fewer than two units")
    merged = merge_pair_moments(control, treatment)
    if holds_anywhere(merged.second.squares <= 0.0):
        return Inconclusive("the covariate does not vary")
    slope, center = merged.products / merged.second.squares, merged.second.mean
    return _adjust(control, slope, center), _adjust(treatment, slope, center)


def _adjust(moments: PairMoments[Real], slope: Real, center: Real) -> Sample[Real]:
    mean = moments.first.mean - slope * (moments.second.mean - center)
    deviations = moments.first.squares - 2.0 * slope * moments.products + slope * slope * moments.second.squares
    varying = deviations > ROUNDING * moments.first.squares
    return Sample(moments.first.units, mean, deviations * varying / (moments.first.units - 1.0))
