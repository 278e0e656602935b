"""A ratio of two sums whose unit is not what was randomised, such as clicks per session when users were."""

from __future__ import annotations

from presage.stats.effect import Sample
from presage.stats.elementwise import Real, holds_anywhere
from presage.stats.inconclusive import Inconclusive
from presage.stats.moments import ROUNDING, PairMoments


def summarise_ratio(moments: PairMoments[Real]) -> Sample[Real] | Inconclusive:
    """Return sum(first) / sum(second) of a variant, with the delta method's variance of one unit's part in it.

    Inconclusive below two units, and when the denominator's mean is not positive.

    References: Deng, Knoblich & Lu, "Applying the Delta Method in Metric Analytics" (KDD 2018), section 3.2.
    """
    numerator, denominator = moments.first, moments.second
    if holds_anywhere(numerator.units < 2):  # noqa: PLR2004 - a variance needs two
        return Inconclusive("an arm has fewer than two units")
    if holds_anywhere(denominator.mean <= 0.0):
        return Inconclusive("the denominator's mean is not above 0")
    ratio = numerator.mean / denominator.mean
    freedom = numerator.units - 1.0
    variance = compute_ratio_variance(
        (numerator.mean, denominator.mean), (numerator.squares / freedom, denominator.squares / freedom), moments.products / freedom
    )
    varying = variance * freedom * denominator.mean**2 > ROUNDING * numerator.squares
    return Sample(numerator.units, ratio, variance * varying)


def compute_ratio_variance(means: tuple[Real, Real], variances: tuple[Real, Real], covariance: Real) -> Real:
    """Return the variance of one unit's part in numerator / denominator: var_m / d² - 2 cov m / d³ + var_d m² / d⁴.

    References: as `summarise_ratio`.
    """
    ratio = means[0] / means[1]
    return (variances[0] - 2.0 * ratio * covariance + ratio * ratio * variances[1]) / (means[1] * means[1])
