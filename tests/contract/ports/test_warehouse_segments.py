"""Statistics by segments of units, on the memory adapter and on Redshift's; `Place.count_segment` compares them with a full count."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from presage.experiments.model import Metric, TreatmentArm, UnitSegment, VariantStatistics
from presage.experiments.segments import LONGEST_VALUE, SegmentGroup
from presage.features.dataset import Column, Scalar
from presage.features.records import FeatureSetVersion, Record
from tests.fixtures.warehouse import BY_ITEM, CONVERSION, DATASET, DAY, METRICS, START, Place

HOUR = timedelta(hours=1)
BEFORE = START - DAY
PROFILES = replace(DATASET, name="profiles", columns=(Column("level", "number"), Column("city", "string"), Column("member", "boolean")))
CITY = UnitSegment("city", "profiles", "city")


def profile(unit: str, city: str | None, at: datetime = BEFORE, known: datetime | None = None, record_id: str = "") -> Record:
    return Record(record_id or uuid4().hex, unit, at, known or at, {"city": city, "level": 2.0, "member": True})


def land(place: Place, *records: Record) -> FeatureSetVersion:
    return place.land(list(records), dataset=PROFILES)


def units_of(groups: tuple[SegmentGroup, ...]) -> list[tuple[str | None, int]]:
    """Return (value or kind, units of both variants) of each group."""
    return [(group.value if group.kind == "value" else f"({group.kind})", group.units) for group in groups]


def test_without_units_there_are_no_groups(place: Place) -> None:
    assert place.count_segment(CITY) == ()


def test_a_unit_is_in_the_group_of_its_newest_value_up_to_its_first_exposure(place: Place) -> None:
    for unit in ("moved", "later", "then", "unset", "stranger"):
        place.expose(unit, "control", START)
        place.expose(unit, "control", START + 3 * HOUR)
    records = [
        profile("moved", "Bern", BEFORE),
        profile("moved", "Chur", BEFORE + HOUR),
        profile("moved", "Genf", START + HOUR),
        profile("later", "Genf", START + HOUR),
        profile("then", "Chur", START),
        profile("unset", "Bern", BEFORE),
        profile("unset", None, BEFORE + HOUR),
        profile("nobody", "Bern", BEFORE),
    ]
    place.load_segment(land(place, *records), CITY)
    assert units_of(place.count_segment(CITY)) == [("Chur", 2), ("(none)", 3)]


def test_of_values_of_one_time_the_one_known_last_holds(place: Place) -> None:
    place.expose("ann", "control")
    records = [profile("ann", "Bern", BEFORE, known=START + DAY), profile("ann", "Chur", BEFORE, known=BEFORE)]
    place.load_segment(land(place, *records), CITY)
    assert units_of(place.count_segment(CITY)) == [("Bern", 1)]


def test_the_values_with_the_most_units_are_told_apart(place: Place) -> None:
    cities = {"Genf": 1, "Bern": 3, "Chur": 2, "Basel": 2, "": 1}
    records = []
    for city, number in cities.items():
        for index in range(number):
            place.expose(f"{city}{index}", "treatment" if index else "control")
            records.append(profile(f"{city}{index}", city))
    place.expose("stranger", "control")
    place.load_segment(land(place, *records), CITY)
    found = [units_of(place.count_segment(replace(CITY, most_values=most))) for most in (1, 2, 5)]
    assert found == [
        [("Bern", 3), ("(other)", 6), ("(none)", 1)],
        [("Bern", 3), ("Basel", 2), ("(other)", 4), ("(none)", 1)],
        [("Bern", 3), ("Basel", 2), ("Chur", 2), ("", 1), ("Genf", 1), ("(none)", 1)],
    ]


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("level", [3.0, 3.0, 0.5, None], [("3", 2), ("0.5", 1), ("(none)", 1)]),
        ("member", [True, True, False, None], [("true", 2), ("false", 1), ("(none)", 1)]),
        ("city", [f"{'x' * LONGEST_VALUE}1", f"{'x' * LONGEST_VALUE}2", "ü" * 300, None], [("x" * 200, 2), ("ü" * 200, 1), ("(none)", 1)]),
    ],
)
def test_values_of_any_type_are_told_apart_by_their_text(
    place: Place, column: str, values: list[Scalar], expected: list[tuple[str, int]]
) -> None:
    records = []
    for index, value in enumerate(values):
        place.expose(f"u{index}", "control")
        filled = profile(f"u{index}", "Bern")
        records.append(replace(filled, values={**filled.values, column: value}))
    segment = UnitSegment("any", "profiles", column)
    place.load_segment(land(place, *records), segment)
    assert units_of(place.count_segment(segment)) == expected


def test_a_group_counts_what_its_units_did(place: Place) -> None:
    """A unit without a value is as much part of the experiment; one that met both variants is not, nor one whose window is open."""
    for unit, variant in (("ann", "control"), ("bob", "control"), ("cid", "treatment"), ("dot", "treatment"), ("eve", "treatment")):
        place.expose(unit, variant)
    place.expose("eve", "control", START + HOUR)
    place.expose("fay", "treatment", START + 29 * DAY)
    place.load_segment(land(place, *(profile(unit, "Bern") for unit in ("ann", "cid", "eve", "fay"))), CITY)
    place.load(place.land([place.record(unit, START + HOUR) for unit in ("ann", "bob", "eve", "fay")]), CONVERSION)
    bern, none = place.count_segment(CITY)
    assert (bern.control, *bern.arms) == (VariantStatistics(1, 1), VariantStatistics(1, 0))
    assert (none.control, *none.arms) == (VariantStatistics(1, 1), VariantStatistics(1, 0))


@pytest.mark.parametrize("metric", METRICS)
def test_the_groups_are_all_units_of_every_kind_of_metric(place: Place, metric: Metric) -> None:
    records = []
    for index in range(9):
        place.expose(f"u{index}", "treatment" if index % 2 else "control", START, "a")
        records += [place.record(f"u{index}", START + (1 + 24 * day) * HOUR, "a", amount=index * 1e3) for day in range(index % 3)]
    place.load(place.land(records), metric)
    place.load_segment(land(place, *(profile(f"u{index}", "Bern" if index % 4 else "Chur") for index in range(8))), CITY)
    groups = place.count_segment(CITY, metric)
    for index, whole in enumerate(place.count(metric)):
        variants = [(group.control, *group.arms)[index] for group in groups]
        assert sum(found.units for found in variants) == whole.units
        assert sum(found.conversions for found in variants) == whole.conversions
        if whole.values is not None:
            means = [found.units * found.values.mean for found in variants if found.values is not None]
            assert sum(means) == pytest.approx(whole.units * whole.values.mean)


def test_every_arm_is_counted_in_every_group(place: Place) -> None:
    arms = (TreatmentArm("wide-and-deep-16", 0.3, 2), TreatmentArm("b", 0.2, 3))
    place.experiment = replace(place.experiment, plan=replace(place.experiment.plan, arms=arms))
    variants = {"ann": "control", "bob": "b", "cid": "b", "dot": "wide-and-deep-16", "eve": "wide-and-deep-16", "fay": "b"}
    for unit, variant in variants.items():
        place.expose(unit, variant)
    place.load_segment(land(place, *(profile(unit, "Bern") for unit in ("ann", "bob", "cid", "dot"))), CITY)
    place.load(place.land([place.record(unit, START + HOUR) for unit in ("bob", "dot", "eve")]), CONVERSION)
    bern, none = place.count_segment(CITY)
    assert (bern.control, *bern.arms) == (VariantStatistics(1, 0), VariantStatistics(1, 1), VariantStatistics(2, 1))
    assert (none.control, *none.arms) == (VariantStatistics(0, 0), VariantStatistics(1, 1), VariantStatistics(1, 0))
    assert units_of((bern, none)) == [("Bern", 4), ("(none)", 2)]


def test_units_of_other_weights_are_in_no_group(place: Place) -> None:
    known = place.expose("ann", "control")
    place.reassign(replace(known, unit_id="bob"), 2)
    place.load_segment(land(place, profile("ann", "Bern"), profile("bob", "Chur")), CITY)
    assert [units_of(place.count_segment(CITY, version=version)) for version in (1, 2, 3)] == [[("Bern", 1)], [("Chur", 1)], []]


def test_what_comes_late_moves_a_unit_and_what_comes_again_does_not(place: Place) -> None:
    place.expose("ann", "control", START)
    first = profile("ann", "Bern", BEFORE)
    place.load_segment(land(place, first), CITY)
    before = place.ledger.get_clock()
    assert units_of(place.count_segment(CITY)) == [("Bern", 1)]
    place.load_segment(land(place, first, profile("ann", "Chur", BEFORE + HOUR)), CITY)
    between = place.ledger.get_clock()
    assert units_of(place.count_segment(CITY)) == [("Chur", 1)]
    place.load_segment(land(place, first), CITY)
    assert units_of(place.count_segment(CITY)) == [("Chur", 1)]
    place.expose("ann", "control", BEFORE)
    assert units_of(place.count_segment(CITY)) == [("Bern", 1)]
    as_of = START + 30 * DAY
    held = [place.ledger.recompute_segment(place.experiment, CITY, as_of=as_of, loaded_until=clock) for clock in (before, between)]
    assert [units_of(found.groups) for found in held] == [[("Bern", 1)], [("Chur", 1)]]


def test_groups_of_a_look_are_of_what_was_loaded_until_then(place: Place) -> None:
    place.expose("ann", "control", START)
    place.warehouse.update_units(place.experiment, as_of=START + 30 * DAY)
    clock = place.ledger.get_clock()
    place.load_segment(land(place, profile("ann", "Bern")), CITY)
    found = [
        place.ledger.count_segment(place.experiment, CITY, as_of=START + 30 * DAY, loaded_until=until)
        for until in (clock, place.ledger.get_clock(), None)
    ]
    assert [units_of(one.groups) for one in found] == [[("(none)", 1)], [("Bern", 1)], [("Bern", 1)]]


def test_a_dataset_may_be_read_by_metrics_and_a_segment(place: Place) -> None:
    """A unit is in the group of what it took before, and counts by what it took after."""
    for unit in ("ann", "bob"):
        place.expose(unit, "treatment", START)
    records = [place.record("ann", BEFORE, "a"), place.record("ann", START + HOUR, "b"), place.record("bob", START + HOUR, "b")]
    version = place.land(records)
    place.load(version, CONVERSION)
    assert place.load_segment(version, BY_ITEM) == 1
    assert [(group.value, *group.arms) for group in place.count_segment(BY_ITEM)] == [
        ("a", VariantStatistics(1, 1)),
        (None, VariantStatistics(1, 1)),
    ]
