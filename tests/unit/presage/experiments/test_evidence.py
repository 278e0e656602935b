"""Estimates of every kind of metric from what the warehouse gives, and what earlier versions kept."""

from dataclasses import replace
from math import sqrt

import msgspec
import pytest

from presage.experiments.evidence import (
    Counted,
    LookDetail,
    MetricEvidence,
    build_plan_mixture,
    compare,
    compute_metric_evidence,
    find_discoveries,
)
from presage.experiments.model import ExperimentPlan, Metric, MetricKind, ValueMoments, VariantStatistics
from presage.stats.cuped import adjust_by_covariate
from presage.stats.effect import Comparison, estimate_relative_lift
from presage.stats.inconclusive import Inconclusive
from presage.stats.moments import Moments, PairMoments, build_moments, build_pair_moments
from tests.unit.presage.stats.samples import CONTROL, TREATMENT, conclusive

PLAN = ExperimentPlan("e", "m", Metric("buys", "conversion", "purchases"), planned_units=4000)


def statistics(moments: Moments[float] | PairMoments[float], conversions: int = 100) -> VariantStatistics:
    pair = moments if isinstance(moments, PairMoments) else PairMoments(moments, Moments(moments.units, 0.0, 0.0), 0.0)
    first, second = pair.first, pair.second
    values = ValueMoments(first.mean, first.squares, second.mean, second.squares, pair.products)
    return VariantStatistics(int(first.units), conversions, values)


def count(kind: MetricKind, control: VariantStatistics, treatment: VariantStatistics, *, has_covariate: bool = False) -> Counted:
    return Counted("metric", 1, 1, "", control, treatment, kind=kind, has_covariate=has_covariate)


def observe(counted: Counted) -> MetricEvidence:
    return compute_metric_evidence(counted, plan=PLAN, mixture=build_plan_mixture(PLAN), history=())


@pytest.mark.parametrize("kind", ["count", "sum"])
def test_counts_and_sums_are_compared_as_means(kind: MetricKind) -> None:
    found = observe(count(kind, statistics(CONTROL), statistics(TREATMENT)))
    assert found.estimate is not None
    assert found.relative_lift is not None
    assert found.estimate.value == pytest.approx(2422.7 / 3461 - 1396.87 / 3000)
    assert found.relative_lift.value == pytest.approx(0.50336, abs=5e-6)
    assert found.relative_lift.standard_error == pytest.approx(0.33341, abs=5e-6)


def test_a_ratio_has_the_variance_of_the_delta_method() -> None:
    """gbstats tests: a ratio, relative."""
    sums = ((100.0, 270.0, 848.79, 510.0, 810.0, -900.0), (120.0, 300.0, 869.0, 500.0, 800.0, -905.0))
    arms = []
    for units, total, squares, divided, divided_squares, product in sums:
        first = Moments(units, total / units, squares - total**2 / units)
        second = Moments(units, divided / units, max(0.0, divided_squares - divided**2 / units))
        arms.append(statistics(PairMoments(first, second, product - total * divided / units)))
    lift = conclusive(estimate_relative_lift(conclusive(compare(count("ratio", arms[0], arms[1])))))
    assert lift.value == pytest.approx(0.133333333, abs=5e-10)


def test_a_mean_is_that_of_units_with_a_value() -> None:
    """Of four units two have a value, 4 and 6: the mean is 5, and its variance that of the two, but for n - 1."""
    values = build_moments(4.0, total=10.0, total_squares=52.0, shift=0.0)
    having = build_moments(4.0, total=2.0, total_squares=2.0, shift=0.0)
    arm = statistics(build_pair_moments(values, having, product=10.0, shifts=(0.0, 0.0)), conversions=2)
    found = compare(count("mean", arm, arm))
    assert isinstance(found, Comparison)
    assert found.control.mean == pytest.approx(5.0)
    assert sqrt(found.control.variance / found.control.units) == pytest.approx(sqrt(2.0 / 3.0))


def test_a_covariate_takes_out_what_was_known_before() -> None:
    pair = PairMoments(Moments(1000.0, 5.0, 9000.0), Moments(1000.0, 4.0, 8000.0), 8000.0)
    better = replace(pair, first=Moments(1000.0, 5.5, 9000.0))
    adjusted = adjust_by_covariate(pair, better)
    assert not isinstance(adjusted, Inconclusive)
    found = compare(count("sum", statistics(pair), statistics(better), has_covariate=True))
    assert found == Comparison(*adjusted)
    plain = compare(count("sum", statistics(pair), statistics(better)))
    assert isinstance(found, Comparison)
    assert isinstance(plain, Comparison)
    assert found.control.variance < plain.control.variance / 5


def test_a_covariate_that_does_not_vary_takes_nothing_out() -> None:
    arms = statistics(CONTROL), statistics(TREATMENT)
    assert compare(count("sum", *arms, has_covariate=True)) == compare(count("sum", *arms))


def test_valued_metrics_need_moments() -> None:
    with pytest.raises(ValueError, match="need moments"):
        compare(count("sum", VariantStatistics(10, 5), VariantStatistics(10, 5)))


@pytest.mark.parametrize(("units", "conversions"), [(1, 2), (5, -1), (-1, -1)])
def test_impossible_counts_are_refused(units: int, conversions: int) -> None:
    with pytest.raises(ValueError, match=f"{conversions} of {units}"):
        VariantStatistics(units, conversions)


def test_a_valued_metric_waits_for_units_that_have_a_value() -> None:
    """Certification draws the line there for every kind: a mean of three buyers among 500 is not normal."""
    few, enough = (count("sum", statistics(CONTROL, conversions), statistics(TREATMENT)) for conversions in (24, 25))
    assert not observe(few).enough
    assert observe(enough).enough


def test_discoveries_are_those_that_e_bh_finds() -> None:
    found = observe(count("sum", statistics(CONTROL), statistics(TREATMENT)))
    named = {name: replace(found, e_value=e_value) for name, e_value in zip("abc", (90.0, 19.0, 31.0), strict=True)}
    assert find_discoveries(named, alpha=0.05) == ("a", "c")
    assert find_discoveries(named | {"a": replace(named["a"], enough=False)}, alpha=0.05) == ()
    assert find_discoveries({"a": replace(named["a"], e_value=None)}, alpha=0.05) == ()
    assert find_discoveries({}, alpha=0.05) == ()


KEPT_PLAN = b"""{"name":"e","model":"m","primary":{"name":"buys","kind":"conversion","dataset":"purchases","window_hours":72,
"item_column":null},"planned_units":4000,"control_policy":"default","treatment_share":0.5,"alpha":0.05,"minimum_effect":0.0,"max_days":90,
"guardrails":[{"metric":{"name":"hit","kind":"hit","dataset":"purchases","window_hours":24,"item_column":"item"},"margin":0.02}],
"gates":{"min_units_per_variant":500,"min_conversions_per_variant":25,"min_days":7,"srm_threshold":0.001,"max_crossover_share":0.01}}"""

KEPT_METRIC = b"""{"counted":{"metric":"buys","dataset_version":3,"loaded_parts":1,"sql":"SELECT 1",
"control":{"units":1000,"conversions":100},"treatment":{"units":1000,"conversions":250}},"enough":true,
"estimate":{"value":0.15,"standard_error":0.0167},"relative_lift":null,"interval":{"lower":0.08,"upper":0.22},
"running_interval":{"lower":0.08,"upper":0.22},"e_value":1e10,"p_value":1e-10,"inconclusive":null}"""

KEPT_LOOK = b"""{"schema":1,"exposures":{"rows":2000,"units":2000,"crossovers":0,"first_exposure":"1998-01-01T00:00:00Z","whole_days":20},
"mixture":{"alpha":0.05,"rho":500.0},"primary":%s,"guardrails":[],"sample_ratio":{"units":[1000,1000],"shares":[0.5,0.5],
"log_bayes_factor":-2.0,"p_value":1.0,"chi_square_p":1.0},"gates":[],"warnings":[],"reason":"x"}"""


def test_plans_and_looks_of_before_still_load() -> None:
    plan = msgspec.json.decode(KEPT_PLAN, type=ExperimentPlan)
    assert plan.secondary == ()
    assert plan.guardrails[0].metric == Metric("hit", "hit", "purchases", 24, "item")
    detail = msgspec.convert(msgspec.json.decode(KEPT_LOOK % KEPT_METRIC), LookDetail)
    assert detail.primary.counted.treatment == VariantStatistics(1000, 250)
    again = observe(detail.primary.counted)
    assert again.estimate is not None
    assert again.estimate.value == pytest.approx(0.15)
