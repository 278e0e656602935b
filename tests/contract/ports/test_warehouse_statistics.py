"""Sufficient statistics of every kind of metric, on the memory adapter and on Redshift's; `Place.count` compares them with a full count."""

from dataclasses import replace
from datetime import timedelta

import pytest

from presage.adapters.redshift.data_api import DataApi
from presage.experiments.model import Metric, TreatmentArm, ValueMoments, VariantStatistics
from tests.fixtures.warehouse import BASKET, CONVERSION, DAY, HIT, KEPT, ORDERS, RATE, SPENT, START, VISITS, Place

HOUR = timedelta(hours=1)
NOTHING = VariantStatistics(0, 0, ValueMoments(0.0, 0.0, 0.0, 0.0, 0.0))


def expect(found: VariantStatistics, units: int, conversions: int, *moments: float) -> None:
    assert (found.units, found.conversions) == (units, conversions)
    assert found.values is not None
    mean, squares, second_mean, second_squares, products = moments
    assert found.values.mean == pytest.approx(mean)
    assert found.values.squares == pytest.approx(squares)
    assert found.values.second_mean == pytest.approx(second_mean)
    assert found.values.second_squares == pytest.approx(second_squares)
    assert found.values.products == pytest.approx(products)


@pytest.mark.parametrize("metric", [ORDERS, SPENT, BASKET, RATE])
def test_without_units_there_is_nothing(place: Place, metric: Metric) -> None:
    assert place.count(metric) == (NOTHING, NOTHING)


def test_a_retained_unit_has_a_record_after_the_window_opens(place: Place) -> None:
    for unit in ("early", "opens", "inside", "end", "never"):
        place.expose(unit, "control")
    times = {"early": HOUR, "opens": DAY, "inside": DAY + HOUR, "end": 3 * DAY}
    place.load(place.land([place.record(unit, START + later) for unit, later in times.items()]), KEPT)
    assert place.count(KEPT)[0] == VariantStatistics(5, 2)


def test_a_count_is_capped_per_unit(place: Place) -> None:
    for unit in ("none", "one", "many"):
        place.expose(unit, "treatment")
    place.load(place.land([place.record(unit, START + HOUR) for unit in ("one", "many", "many", "many")]), ORDERS)
    expect(place.count(ORDERS)[1], 3, 2, 1.0, 2.0, 0.0, 0.0, 0.0)


def test_a_sum_is_capped_and_has_a_covariate_of_the_time_before(place: Place) -> None:
    for unit in ("none", "some", "much"):
        place.expose(unit, "control", START)
    records = [
        place.record("some", START + HOUR, amount=10.0),
        place.record("some", START + 2 * HOUR, amount=None),
        place.record("some", START, amount=7.0),
        place.record("some", START - 2 * DAY, amount=100.0),
        place.record("much", START + HOUR, amount=80.0),
        place.record("much", START - DAY, amount=70.0),
    ]
    place.load(place.land(records), SPENT)
    expect(place.count(SPENT)[0], 3, 2, 20.0, 1400.0, 19.0, 1466.0, 1430.0)


def test_a_mean_is_of_units_with_a_value(place: Place) -> None:
    for unit in ("none", "null", "some", "much"):
        place.expose(unit, "control", START)
    amounts = [("null", None), ("some", 4.0), ("some", 8.0), ("some", None), ("much", 100.0)]
    place.load(place.land([place.record(unit, START + HOUR, amount=amount) for unit, amount in amounts]), BASKET)
    expect(place.count(BASKET)[0], 4, 2, 6.5, 267.0, 0.5, 1.0, 13.0)


def test_a_ratio_divides_what_two_datasets_add_up_to(place: Place) -> None:
    for unit in ("none", "visits", "buys"):
        place.expose(unit, "treatment", START)
    place.load(place.land([place.record("buys", START + HOUR, amount=amount) for amount in (2.0, 4.0)]), RATE)
    place.load(place.land([place.record(unit, START + HOUR) for unit in ("visits", "buys", "buys")], dataset=VISITS), RATE)
    expect(place.count(RATE)[1], 3, 1, 2.0, 24.0, 1.0, 2.0, 6.0)


def test_digits_survive_a_mean_far_from_zero(place: Place) -> None:
    """Naive sums of squares of 1e9 would leave no digit of a variance of 2/3, nor would a merge of hours by sums."""
    metric = Metric("spent", "sum", "purchases", value_column="amount")
    place.experiment = replace(place.experiment, plan=replace(place.experiment.plan, secondary=(metric,)))
    for index in range(3):
        place.expose(f"u{index}", "control", START + index * HOUR)
    place.load(place.land([place.record(f"u{index}", START + 3 * HOUR, amount=1e9 + index) for index in range(3)]), metric)
    expect(place.count(metric)[0], 3, 3, 1e9 + 1, 2.0, 0.0, 0.0, 0.0)


@pytest.mark.integration
@pytest.mark.parametrize("place", ["redshift"], indirect=True)
def test_a_look_reads_no_row_of_an_hour_that_is_closed(place: Place, data_api: DataApi) -> None:
    """Rows that somebody took away are missed in the hour that the look cuts, and not in the one before."""
    for unit, exposed_at in (("before", START - HOUR), ("cut", START)):
        place.expose(unit, "control", exposed_at)
    place.load(place.land([place.record(unit, START + HOUR) for unit in ("before", "cut")]), CONVERSION)
    as_of = START + 3 * DAY
    assert place.count(as_of=as_of)[0] == VariantStatistics(2, 2)
    for table in ("unit_exposures", "unit_values"):
        data_api.query(f"DELETE FROM {table} WHERE experiment_id = '{place.experiment.experiment_id}'")  # noqa: S608 - literals above
    assert place.warehouse.get_statistics(place.experiment, CONVERSION, as_of=as_of).control == VariantStatistics(1, 1)


@pytest.mark.integration
@pytest.mark.parametrize("place", ["redshift"], indirect=True)
def test_hours_are_kept_apart_by_version_and_none_is_missed_for_another(place: Place, data_api: DataApi) -> None:
    """Rows that stand there for a version and hour of which nothing was kept are read neither: the hour is, for another version."""
    first = place.expose("first", "control", START - HOUR)
    place.reassign(replace(first, unit_id="second"), 2)
    place.reassign(replace(first, unit_id="other"), 2, "treatment")
    as_of = START + 3 * DAY
    counted = [[arm.units for arm in place.count(as_of=as_of, version=version)] for version in (1, 2, 3)]
    assert counted == [[1, 0], [1, 1], [0, 0]]
    data_api.query(f"UPDATE unit_exposures SET allocation_version = 3 WHERE experiment_id = '{place.experiment.experiment_id}'")  # noqa: S608 - literals above
    kept = [place.warehouse.get_statistics(place.experiment, CONVERSION, as_of=as_of, allocation_version=version) for version in (1, 2, 3)]
    assert [[one.control.units, one.treatment.units] for one in kept] == counted


def test_hours_that_no_update_has_closed_are_read_from_their_rows(place: Place) -> None:
    place.expose("ann", "control", START)
    place.load(place.land([place.record("ann", START + HOUR)]), CONVERSION)
    assert place.warehouse.update_units(place.experiment, as_of=START) == 1
    found = place.warehouse.get_statistics(place.experiment, CONVERSION, as_of=START + 30 * DAY)
    assert found.control == VariantStatistics(1, 1)


def test_a_late_exposure_is_counted_in_its_hour(place: Place) -> None:
    place.expose("ann", "control", START)
    assert place.total() == (1, 1, 0)
    place.expose("ann", "control", START + 2 * HOUR)
    assert place.total() == (2, 1, 0)
    place.expose("ann", "treatment", START + HOUR)
    assert place.total() == (3, 1, 1)
    assert place.total(START) == (1, 1, 0)
    place.expose("ann", "treatment", START - HOUR)
    assert place.total(START) == (2, 1, 1)


def test_a_record_known_late_changes_a_closed_window(place: Place) -> None:
    place.expose("ann", "control", START)
    place.load(place.land([place.record("ann", START + HOUR)]), ORDERS)
    expect(place.count(ORDERS)[0], 1, 1, 1.0, 0.0, 0.0, 0.0, 0.0)
    place.load(place.land([place.record("ann", START + DAY)]), ORDERS)
    expect(place.count(ORDERS)[0], 1, 1, 2.0, 0.0, 0.0, 0.0, 0.0)


def test_an_exposure_known_late_moves_the_window(place: Place) -> None:
    place.expose("ann", "control", START + DAY)
    place.load(place.land([place.record("ann", START + HOUR)]), CONVERSION)
    assert place.count()[0] == VariantStatistics(1, 0)
    place.expose("ann", "control", START)
    assert place.count()[0] == VariantStatistics(1, 1)


def test_an_item_shown_late_makes_a_hit(place: Place) -> None:
    place.expose("ann", "control", START, "a")
    place.load(place.land([place.record("ann", START + 3 * HOUR, "b")]), HIT)
    assert place.count(HIT)[0] == VariantStatistics(1, 0)
    place.expose("ann", "control", START + HOUR, "b")
    assert place.count(HIT)[0] == VariantStatistics(1, 1)


def test_a_unit_that_crosses_over_is_left_out_from_then_on(place: Place) -> None:
    place.expose("ann", "control", START)
    place.load(place.land([place.record("ann", START + HOUR)]), CONVERSION)
    assert place.count()[0] == VariantStatistics(1, 1)
    place.expose("ann", "treatment", START + 5 * DAY)
    assert place.count() == (VariantStatistics(0, 0), VariantStatistics(0, 0))
    assert place.count(as_of=START + 5 * DAY - HOUR)[0] == VariantStatistics(1, 1)


def test_only_units_that_were_touched_are_computed_anew(place: Place) -> None:
    found = place.expose("ann", "control", START)
    place.expose("bob", "control", START)
    version = place.land([place.record("ann", START + HOUR, record_id="r1")])
    place.load(version, CONVERSION)
    assert place.warehouse.update_units(place.experiment, as_of=START) == 2
    assert place.warehouse.update_units(place.experiment, as_of=START) == 0
    place.warehouse.load_assignments([found])
    place.load(place.land([place.record("ann", START + HOUR, record_id="r1")]), CONVERSION)
    assert place.warehouse.update_units(place.experiment, as_of=START) == 0
    place.load(place.land([place.record("bob", START + HOUR)]), CONVERSION)
    assert place.warehouse.update_units(place.experiment, as_of=START) == 1
    assert place.count()[0] == VariantStatistics(2, 2)


def test_a_record_known_earlier_moves_to_its_unit(place: Place) -> None:
    place.expose("ann", "control", START)
    place.expose("bob", "treatment", START)
    place.load(place.land([place.record("ann", START + 2 * HOUR, record_id="r1")]), CONVERSION)
    assert place.count() == (VariantStatistics(1, 1), VariantStatistics(1, 0))
    place.load(place.land([place.record("bob", START + HOUR, record_id="r1")]), CONVERSION)
    assert place.count() == (VariantStatistics(1, 0), VariantStatistics(1, 1))


@pytest.mark.parametrize("metric", [CONVERSION, SPENT])
def test_only_units_that_no_earlier_weights_met_count(place: Place, metric: Metric) -> None:
    stayed, moved = place.expose("stayed", "control"), place.expose("moved", "control")
    new = place.expose("new", "treatment", START + 2 * HOUR)
    place.reassign(stayed, 2, at=START + HOUR)
    place.reassign(moved, 2, "treatment", at=START + HOUR)
    place.reassign(replace(new, unit_id="late"), 2, "treatment")
    place.reassign(replace(new, unit_id="later"), 2, "control")
    units = ("stayed", "moved", "new", "late", "later")
    place.load(place.land([place.record(unit, START + 3 * HOUR, amount=4.0) for unit in units]), metric)

    counted = {version: [arm.units for arm in place.count(metric, version=version)] for version in (1, 2, 3)}
    assert counted == {1: [1, 1], 2: [1, 1], 3: [0, 0]}
    assert [arm.conversions for arm in place.count(metric, version=2)] == [1, 1]
    place.reassign(replace(new, unit_id="late"), 1, "treatment", START + 5 * HOUR)
    assert [arm.units for arm in place.count(metric, version=2)] == [1, 0]


def test_every_arm_is_counted_apart_and_a_unit_of_two_in_none(place: Place) -> None:
    arms = (TreatmentArm("wide-and-deep-16", 0.3, 2), TreatmentArm("b", 0.2, 3), TreatmentArm("unmet", 0.1))
    place.experiment = replace(place.experiment, plan=replace(place.experiment.plan, arms=arms))
    variants = {"none": "b", "one": "b", "many": "wide-and-deep-16", "both": "b", "kept": "control"}
    for unit, variant in variants.items():
        place.expose(unit, variant)
    place.expose("both", "wide-and-deep-16", START + HOUR)
    place.load(place.land([place.record(unit, START + 2 * HOUR) for unit in ("one", "many", "many", "both", "kept")]), ORDERS, CONVERSION)
    control, *found = place.count_arms(ORDERS)
    expect(control, 1, 1, 1.0, 0.0, 0.0, 0.0, 0.0)
    expect(found[0], 1, 1, 2.0, 0.0, 0.0, 0.0, 0.0)
    expect(found[1], 2, 1, 0.5, 0.5, 0.0, 0.0, 0.0)
    assert found[2] == NOTHING
    assert [one.conversions for one in place.count_arms(CONVERSION)] == [1, 1, 1, 0]
    assert place.total() == (6, 5, 1)
