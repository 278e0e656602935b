"""Answers of other libraries, run in their own environment: a line with a JSON list of cases is answered by one with a list of answers.

A case is [library's question, arguments]; nothing of Presage is imported here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import tea_tasting as tt
from gbstats.frequentist.tests import FrequentistConfig, SequentialConfig, SequentialTwoSidedTTest, TwoSidedTTest
from gbstats.models import statistics as gb
from gbstats.utils import check_srm
from statsmodels.stats.contingency_tables import Table2x2
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW
from tea_tasting.aggr import Aggregates


def _statistic(arm: dict[str, Any]) -> Any:  # noqa: ANN401 - gbstats' own
    units = int(arm["units"])
    if arm["kind"] == "proportion":
        return gb.ProportionStatistic(n=units, sum=arm["sums"][0])
    first, second = (gb.SampleMeanStatistic(n=units, sum=arm["sums"][i], sum_squares=arm["squares"][i]) for i in (0, 1))
    if arm["kind"] == "mean":
        return first
    if arm["kind"] == "ratio":
        return gb.RatioStatistic(n=units, m_statistic=first, d_statistic=second, m_d_sum_of_products=arm["product"])
    return gb.RegressionAdjustedStatistic(
        n=units, post_statistic=first, pre_statistic=second, post_pre_sum_of_products=arm["product"], theta=0.0
    )


def gbstats_test(control: dict[str, Any], treatment: dict[str, Any], scale: str, tuning: float | None) -> list[float]:
    """Return [estimate, standard error, lower, upper, p] of Welch's test, or of the sequential one when `tuning` is given."""
    arms = (_statistic(control), _statistic(treatment))
    if tuning is None:
        found = TwoSidedTTest(*arms, FrequentistConfig(difference_type=scale)).compute_result()
    else:
        config = SequentialConfig(difference_type=scale, sequential_tuning_parameter=tuning)
        found = SequentialTwoSidedTTest(*arms, config).compute_result()
    if found.error_message is not None:
        raise ValueError(found.error_message)
    return [found.expected, found.uplift.stddev, *found.ci, found.p_value]


def gbstats_srm(users: list[int], weights: list[float]) -> float:
    """Return the chi-square p-value."""
    return float(check_srm(users, weights))


def tea_tasting_mean(control: dict[str, Any], treatment: dict[str, Any]) -> list[float]:
    """Return [difference, lower, upper, p, relative lift, ratio's lower, ratio's upper]."""
    names = ("numer", "denom") if control["kind"] == "ratio" else ("numer", "before")
    metric = {
        "mean": tt.Mean("numer"),
        "ratio": tt.RatioOfMeans("numer", "denom"),
        "cuped": tt.Mean("numer", "before"),
    }[control["kind"]]

    def aggregate(arm: dict[str, Any]) -> Any:  # noqa: ANN401 - tea-tasting's own
        n = arm["units"]
        means = [total / n for total in arm["sums"]]
        variances = [(square - n * mean * mean) / (n - 1) for square, mean in zip(arm["squares"], means, strict=True)]
        covariance = (arm["product"] - n * means[0] * means[1]) / (n - 1)
        key = tuple(sorted(names))
        return Aggregates(int(n), dict(zip(names, means, strict=True)), dict(zip(names, variances, strict=True)), {key: covariance})

    found = metric.analyze_aggregates(aggregate(control), aggregate(treatment))
    absolute = [found.effect_size, found.effect_size_ci_lower, found.effect_size_ci_upper, found.pvalue]
    return [*absolute, found.rel_effect_size, 1.0 + found.rel_effect_size_ci_lower, 1.0 + found.rel_effect_size_ci_upper]


def statsmodels_holm(p_values: list[float]) -> list[float]:
    """Return the adjusted p-values."""
    return [float(value) for value in multipletests(p_values, method="holm")[1]]


def statsmodels_welch(control: list[float], treatment: list[float], alpha: float) -> list[float]:
    """Return [lower, upper, p, degrees of freedom] of treatment minus control."""
    compared = CompareMeans(DescrStatsW(treatment), DescrStatsW(control))
    _, p_value, degrees = compared.ttest_ind(usevar="unequal")
    return [float(value) for value in (*compared.tconfint_diff(alpha, usevar="unequal"), p_value, degrees)]


def statsmodels_risk_ratio(control: list[int], treatment: list[int], alpha: float) -> list[float]:
    """Return [log ratio, its standard error, lower, upper] of two proportions (conversions, units)."""
    cells = [[treatment[0], treatment[1] - treatment[0]], [control[0], control[1] - control[0]]]
    table = Table2x2(np.array(cells, dtype=float), shift_zeros=False)
    return [float(value) for value in (table.log_riskratio, table.log_riskratio_se, *table.log_riskratio_confint(alpha))]


def statsmodels_power(effect: float, units: float, alpha: float, ratio: float) -> float:
    """Return the power of a two-sided z-test that looks once; `units` are control's."""
    return float(NormalIndPower().power(effect, units, alpha, ratio=ratio))


QUESTIONS: dict[str, Callable[..., Any]] = {
    question.__name__: question
    for question in (
        gbstats_test,
        gbstats_srm,
        tea_tasting_mean,
        statsmodels_holm,
        statsmodels_welch,
        statsmodels_risk_ratio,
        statsmodels_power,
    )
}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps([QUESTIONS[name](*arguments) for name, arguments in json.loads(line)]), flush=True)  # noqa: T201 - its answer
