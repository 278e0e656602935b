"""One suite for `Warehouse`, on the memory adapter and on Redshift's (through the bridge, S3 of the emulator, PostgreSQL)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import boto3
import pytest

from presage.adapters.client import build_client
from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.adapters.memory.warehouse import MemoryWarehouse
from presage.adapters.redshift.data_api import DataApi, Warehousing
from presage.adapters.redshift.migrate import list_migrations, migrate
from presage.adapters.redshift.warehouse import RedshiftWarehouse, Staging
from presage.adapters.s3.feature_set_store import S3FeatureSetStore
from presage.errors import UnavailableError
from presage.experiments.model import Assignment, Experiment, ExperimentPlan, Guardrail, Metric, Variant, VariantStatistics, list_sources
from presage.experiments.ports import Warehouse
from presage.features.dataset import Column, Dataset
from presage.features.ports import FeatureSetStore
from presage.features.records import FeatureSetVersion, Record
from tests.fixtures.redshift import run_bridge

DAY = timedelta(days=1)
START = datetime(1998, 1, 1, 12, 0, 0, 250_000, UTC)
CONVERSION = Metric("buys's again", "conversion", "purchases")
HIT = Metric("hit", "hit", "purchases", window_hours=24, item_column="Item \" id'")
DATASET = Dataset(
    "ws_1",
    "ds_1",
    "purchases",
    "customer",
    (Column("amount", "number"), Column("Item \" id'", "string"), Column("gift", "boolean")),
    START,
)


@dataclass
class Place:
    """A warehouse with the store its outcomes come from, and an experiment of its own."""

    warehouse: Warehouse
    store: FeatureSetStore
    experiment: Experiment

    def expose(self, unit: str, variant: Variant, at: datetime = START, *shown: str) -> Assignment:
        experiment = self.experiment
        found = Assignment(experiment.workspace_id, experiment.experiment_id, str(uuid4()), unit, variant, at, 1, shown)
        self.warehouse.load_assignments([found])
        return found

    def record(self, unit: str, at: datetime, item: str | None = None, **identity: str) -> Record:
        record_id = identity.get("record_id", uuid4().hex)
        return Record(record_id, unit, at, at, {"amount": 1.5, "Item \" id'": item, "gift": True})

    def land(self, *batches: list[Record]) -> FeatureSetVersion:
        dataset = replace(DATASET, dataset_id=f"ds_{uuid4().hex}")
        parts = tuple(self.store.put_part(dataset, uuid4().hex, "1998-01", batch) for batch in batches)
        return FeatureSetVersion(dataset, 1, parts, START)

    def load(self, version: FeatureSetVersion, metric: Metric = CONVERSION) -> int:
        return sum(self.warehouse.load_outcomes(self.experiment, version, source) for source in list_sources(metric)[:1])

    def count(self, metric: Metric = CONVERSION, as_of: datetime = START + 30 * DAY) -> tuple[VariantStatistics, VariantStatistics]:
        """Return control's and treatment's statistics, which must be the same from the units' rows and from everything."""
        self.warehouse.update_units(self.experiment)
        found, full = (self.warehouse.get_statistics(self.experiment, metric, as_of=as_of, full=full) for full in (False, True))
        assert found == full
        return found.control, found.treatment

    def total(self, as_of: datetime = START + 30 * DAY) -> tuple[int, int, int]:
        return self.warehouse.count_assignments(self.experiment.workspace_id, self.experiment.experiment_id, as_of=as_of)


@pytest.fixture(scope="module")
def data_api(emulator: str, postgres: str) -> Iterator[DataApi]:
    assert emulator
    with run_bridge(postgres) as endpoint, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_REDSHIFT_DATA", endpoint)
        api = DataApi(build_client("redshift-data"), Warehousing("presage", postgres.rpartition("/")[2]))
        assert migrate(api) == list_migrations()
        yield api


@pytest.fixture(params=["memory", pytest.param("redshift", marks=pytest.mark.integration)])
def place(request: pytest.FixtureRequest) -> Place:
    plan = ExperimentPlan("test", "model", CONVERSION, planned_units=1000, guardrails=(Guardrail(HIT, 0.1),))
    experiment = Experiment("ws_1", f"exp_{uuid4().hex}", "mdl_1", plan, "salt", "running", START, START, None)
    if request.param == "memory":
        memory = MemoryFeatureSetStore()
        return Place(MemoryWarehouse(memory), memory, experiment)
    api: DataApi = request.getfixturevalue("data_api")
    bucket = f"lake-{uuid4().hex}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    client = build_client("s3")
    warehouse = RedshiftWarehouse(api, client, Staging(bucket, "arn:aws:iam::000000000000:role/copy"))
    return Place(warehouse, S3FeatureSetStore(bucket, client), experiment)


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
    assert place.warehouse.count_assignments("ws_2", place.experiment.experiment_id, as_of=START + DAY) == (0, 0, 0)
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
