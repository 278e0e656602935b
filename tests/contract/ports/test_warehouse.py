"""One suite for `Warehouse`, on the memory adapter and on Redshift's (through the bridge, S3 of the emulator, PostgreSQL)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from presage.adapters.client import build_client
from presage.adapters.redshift.data_api import DataApi, Warehousing
from presage.adapters.redshift.migrate import list_migrations, migrate
from presage.errors import UnavailableError
from presage.experiments.model import VariantStatistics
from tests.fixtures.warehouse import CONVERSION, DAY, HIT, START, Place


def test_an_empty_warehouse_counts_nothing(place: Place) -> None:
    assert place.total() == (0, 0, 0)
    assert place.warehouse.get_first_exposure("ws_1", place.experiment.experiment_id) is None
    assert place.count() == (VariantStatistics(0, 0), VariantStatistics(0, 0))


def test_the_same_assignment_twice_counts_once(place: Place) -> None:
    found = place.expose("ann", "control", START, "a", "b", "a")
    place.warehouse.load_assignments([found, found])
    place.warehouse.load_assignments([found])
    assert place.total() == (1, 1, 0)


def test_counts_rows_units_and_crossovers_up_to_a_time(place: Place) -> None:
    place.expose("ann", "control", START + DAY)
    place.expose("ann", "control", START + 2 * DAY)
    place.expose("bob", "treatment")
    place.expose("bob", "control", START + 3 * DAY)
    assert place.total(START - DAY) == (0, 0, 0)
    assert place.total(START + 2 * DAY) == (3, 2, 0)
    assert place.total() == (4, 2, 1)
    assert place.warehouse.get_first_exposure("ws_1", place.experiment.experiment_id) == START


def test_another_workspace_sees_nothing(place: Place) -> None:
    place.expose("ann", "control")
    assert replace(place, experiment=replace(place.experiment, workspace_id="ws_2")).total() == (0, 0, 0)
    assert place.warehouse.get_first_exposure("ws_2", place.experiment.experiment_id) is None


def test_a_conversion_lies_in_the_window_after_the_first_exposure(place: Place) -> None:
    for unit in ("before", "at", "inside", "end", "late"):
        place.expose(unit, "control")
    times = {"before": -DAY, "at": 0 * DAY, "inside": DAY, "end": 3 * DAY, "late": 3 * DAY + timedelta(microseconds=1)}
    version = place.land([place.record(unit, START + later) for unit, later in times.items()])
    assert place.load(version, CONVERSION) == 1
    assert place.count() == (VariantStatistics(5, 2), VariantStatistics(0, 0))


def test_units_count_once_their_window_is_closed(place: Place) -> None:
    place.expose("ann", "treatment")
    place.load(place.land([place.record("ann", START + DAY)]), CONVERSION)
    closes = START + 3 * DAY
    assert place.count(as_of=closes - timedelta(microseconds=1))[1] == VariantStatistics(0, 0)
    assert place.count(as_of=closes)[1] == VariantStatistics(1, 1)


def test_units_of_both_variants_are_left_out(place: Place) -> None:
    place.expose("ann", "treatment")
    place.expose("ann", "control", START + DAY)
    place.expose("bob", "control")
    place.load(place.land([place.record("ann", START + DAY)]), CONVERSION)
    assert place.count() == (VariantStatistics(1, 0), VariantStatistics(0, 0))


def test_a_unit_counts_once_however_often_it_is_exposed_or_converts(place: Place) -> None:
    for hours in (0, 1, 2):
        place.expose("ann", "treatment", START + timedelta(hours=hours))
    version = place.land([place.record("ann", START + DAY), place.record("ann", START + 2 * DAY)])
    place.load(version, CONVERSION)
    assert place.count()[1] == VariantStatistics(1, 1)


def test_a_hit_was_shown_before_it_was_taken(place: Place) -> None:
    place.expose("shown", "treatment", START, "a", 'it\'s \\ "b"\tü')
    place.expose("other", "treatment", START, "a")
    place.expose("later", "treatment", START, "a")
    place.expose("later", "treatment", START + timedelta(hours=5), "b")
    place.expose("none", "control")
    hour = START + timedelta(hours=1)
    taken = [("shown", 'it\'s \\ "b"\tü'), ("other", "b"), ("later", "b"), ("none", None)]
    place.load(place.land([place.record(unit, hour, item) for unit, item in taken]), HIT)
    assert place.count(HIT) == (VariantStatistics(1, 0), VariantStatistics(3, 1))


def test_only_new_parts_are_loaded(place: Place) -> None:
    place.expose("ann", "control")
    place.expose("bob", "control")
    version = place.land([place.record("ann", START + DAY)], [place.record("bob", START + DAY)])
    older = replace(version, parts=version.parts[:1])
    assert place.load(older, CONVERSION) == 1
    assert place.count()[0].conversions == 1
    assert place.load(version, CONVERSION) == 1
    assert place.load(version, CONVERSION) == 0
    assert place.count()[0].conversions == 2


def test_metrics_of_one_dataset_are_kept_apart(place: Place) -> None:
    place.expose("ann", "control", START, "a")
    version = place.land([place.record("ann", START + timedelta(hours=1), "a")])
    assert place.load(version, CONVERSION) == 1
    assert place.count(HIT)[0].conversions == 0
    assert place.load(version, HIT) == 1
    assert place.count(HIT)[0].conversions == 1


def test_of_one_record_id_the_earliest_known_counts(place: Place) -> None:
    place.expose("ann", "control")
    early = place.record("ann", START + DAY, record_id="r1")
    late = replace(place.record("bob", START + 2 * DAY, record_id="r1"), known_timestamp=START + 9 * DAY)
    version = place.land([late], [early])
    place.load(replace(version, parts=version.parts[:1]), CONVERSION)
    assert place.count()[0].conversions == 0
    place.load(version, CONVERSION)
    assert place.count()[0].conversions == 1


def test_the_sql_is_described(place: Place) -> None:
    found = place.warehouse.get_statistics(place.experiment, CONVERSION, as_of=START)
    assert place.experiment.experiment_id in found.sql


@pytest.mark.integration
def test_migrations_apply_once(data_api: DataApi) -> None:
    assert migrate(data_api) == []
    assert data_api.query("SELECT name FROM schema_migrations ORDER BY name") == [(name,) for name in list_migrations()]


@pytest.mark.integration
def test_a_failed_load_leaves_nothing_behind(data_api: DataApi) -> None:
    before = data_api.query("SELECT CAST(COUNT(*) AS BIGINT) FROM loaded_parts")
    with pytest.raises(UnavailableError, match=r'"nowhere" does not exist'):
        data_api.run_batch(
            [
                "INSERT INTO loaded_parts (workspace_id, experiment_id, metric, part_key) VALUES ('w', 'e', 'm', 'p')",
                "SELECT 1 FROM nowhere",
            ]
        )
    assert data_api.query("SELECT CAST(COUNT(*) AS BIGINT) FROM loaded_parts") == before


@pytest.mark.integration
@pytest.mark.usefixtures("data_api")
def test_a_statement_that_takes_too_long_is_unavailable(postgres: str) -> None:
    impatient = DataApi(build_client("redshift-data"), Warehousing("presage", postgres.rpartition("/")[2], timeout_seconds=0.2))
    with pytest.raises(UnavailableError, match=r"did not end in 0\.2 s"):
        impatient.query("SELECT PG_SLEEP(60)")
