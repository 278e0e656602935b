"""gbstats: `python -m benchmarks.peers.gbstats_engine`, run in gbstats' environment.

The first line on standard input is an experiment, {"planned_units": …, "weights": […], "metrics": [{"kind": …, "arms": [{…}, {…}]}]}; each
further line, {"way": "experiment" or "tests", "calls": …}, is answered with the CPU nanoseconds of each call and what the last one found:
[estimate, lower, upper, p] of each metric.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from gbstats.frequentist.tests import SequentialConfig, SequentialTwoSidedTTest
from gbstats.gbstats import process_experiment_results
from gbstats.models.statistics import ProportionStatistic, RatioStatistic, RegressionAdjustedStatistic, SampleMeanStatistic

TYPES = {"proportion": "mean", "mean": "mean", "ratio": "ratio", "cuped": "mean_ra"}
PRODUCTS = {"ratio": ("denominator", "main_denominator_sum_product"), "cuped": ("covariate", "main_covariate_sum_product")}

Way = Callable[[], list[list[float]]]


def build_experiment(given: dict[str, Any]) -> Way:
    """Return its own entry for a whole experiment: rows as a warehouse gives them, through pandas, to results."""
    names = [f"m{index}" for index in range(len(given["metrics"]))]
    metrics = {
        name: {
            "id": name,
            "name": name,
            "statistic_type": TYPES[metric["kind"]],
            "main_metric_type": "binomial" if metric["kind"] == "proportion" else "count",
            "denominator_metric_type": "count",
            "covariate_metric_type": "count",
        }
        for name, metric in zip(names, given["metrics"], strict=True)
    }
    analysis = {
        "var_names": ["control", "treatment"],
        "var_ids": ["0", "1"],
        "weights": given["weights"],
        "stats_engine": "frequentist",
        "sequential_testing_enabled": True,
        "sequential_tuning_parameter": given["planned_units"],
        "difference_type": "absolute",
    }
    rows = [_build_row(given["metrics"], arm) for arm in (0, 1)]
    data = {"metrics": metrics, "analyses": [analysis], "query_results": [{"rows": rows, "metrics": names}]}

    def run() -> list[list[float]]:
        variations = [result["analyses"][0]["dimensions"][0]["variations"][1] for result in process_experiment_results(data)]
        return [[found["expected"], *found["ci"], found["pValue"]] for found in variations]

    return run


def _build_row(metrics: list[dict[str, Any]], arm: int) -> dict[str, Any]:
    row: dict[str, Any] = {"dimension": "", "variation": str(arm), "users": metrics[0]["arms"][arm]["units"]}
    for index, metric in enumerate(metrics):
        given, prefix = metric["arms"][arm], f"m{index}"
        row |= {
            f"{prefix}_count": given["units"],
            f"{prefix}_main_sum": given["sums"][0],
            f"{prefix}_main_sum_squares": given["squares"][0],
        }
        if metric["kind"] in PRODUCTS:
            second, product = PRODUCTS[metric["kind"]]
            row |= {f"{prefix}_{second}_sum": given["sums"][1], f"{prefix}_{second}_sum_squares": given["squares"][1]}
            row[f"{prefix}_{product}"] = given["product"]
    return row


def build_tests(given: dict[str, Any]) -> Way:
    """Return its test classes alone, from sums to results: without pandas, rows and settings."""
    config = SequentialConfig(difference_type="absolute", sequential_tuning_parameter=given["planned_units"])

    def run() -> list[list[float]]:
        found = []
        for metric in given["metrics"]:
            control, treatment = (_build_statistic(metric["kind"], arm) for arm in metric["arms"])
            result = SequentialTwoSidedTTest(control, treatment, config).compute_result()
            found.append([result.expected, *result.ci, result.p_value])
        return found

    return run


def _build_statistic(kind: str, arm: dict[str, Any]) -> Any:  # noqa: ANN401 - gbstats' own
    units, sums, squares = int(arm["units"]), arm["sums"], arm["squares"]
    if kind == "proportion":
        return ProportionStatistic(n=units, sum=sums[0])
    first = SampleMeanStatistic(n=units, sum=sums[0], sum_squares=squares[0])
    if kind == "mean":
        return first
    second = SampleMeanStatistic(n=units, sum=sums[1], sum_squares=squares[1])
    if kind == "ratio":
        return RatioStatistic(n=units, m_statistic=first, d_statistic=second, m_d_sum_of_products=arm["product"])
    return RegressionAdjustedStatistic(
        n=units, post_statistic=first, pre_statistic=second, post_pre_sum_of_products=arm["product"], theta=0
    )


def main() -> None:
    """Take the experiment, then answer until the input ends."""
    given = json.loads(sys.stdin.readline())
    ways = {"experiment": build_experiment(given), "tests": build_tests(given)}
    for line in sys.stdin:
        asked = json.loads(line)
        way, spent = ways[asked["way"]], []
        found: list[list[float]] = []
        for _ in range(asked["calls"]):
            began = time.process_time_ns()
            found = way()
            spent.append(time.process_time_ns() - began)
        sys.stdout.write(json.dumps({"nanoseconds": spent, "found": found}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
