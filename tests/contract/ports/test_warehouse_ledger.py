"""One suite for `WarehouseLedger`, on the memory adapter and on Redshift's (through the bridge, PostgreSQL)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import boto3
import pytest

from presage.adapters.client import build_client
from presage.adapters.memory.warehouse import MemoryWarehouse
from presage.adapters.redshift.data_api import DataApi
from presage.adapters.redshift.ledger import RedshiftLedger
from presage.adapters.redshift.warehouse import RedshiftWarehouse, Staging
from presage.adapters.s3.feature_set_store import S3FeatureSetStore
from presage.experiments.fingerprint import Fingerprint, add_fingerprints
from presage.experiments.model import Guardrail, Metric, UnitSegment
from presage.experiments.ports import WarehouseLedger
from presage.progress import ignore_progress
from presage.runtime.verification import run_verify
from tests.fixtures.experiment_world import BEGIN, BUYS, DAY, PLAN, VISITS, World
from tests.fixtures.warehouse import METRICS, START, Place, build_experiment, flatten

LATER = START + 30 * DAY


def fill(place: Place, day: int = 0) -> None:
    """Expose two units of each variant and load what they did; `day` makes them others at another time."""
    begin = START + day * DAY
    for unit, variant in (("ann", "control"), ("bob", "control"), ("cid", "treatment"), ("dot", "treatment")):
        place.expose(f"{unit}{day}", variant, begin, "a", "b")
    items = {"ann": "a", "cid": "b", "dot": None}
    records = [place.record(f"{unit}{day}", begin + DAY, item, amount=3.7) for unit, item in items.items()]
    place.load(place.land(records), *METRICS)


def test_an_empty_warehouse_holds_nothing(place: Place) -> None:
    assert place.ledger.count_exposures(place.experiment, as_of=LATER, loaded_until=None) == (0, 0, 0, None)
    empty = [Fingerprint(table, 0, "0", "0") for table in ("assignments", "shown_items", "outcomes")]
    assert list(place.ledger.read_fingerprints(place.experiment, after=None, until=None)) == empty


def test_everything_computed_anew_is_what_the_units_rows_say(place: Place) -> None:
    fill(place)
    for metric in METRICS:
        found = place.count(metric, LATER)
        again = place.ledger.recompute_statistics(place.experiment, metric, as_of=LATER, loaded_until=place.ledger.get_clock())
        for one, other in zip(found, (again.control, again.treatment), strict=True):
            assert flatten(one) == pytest.approx(flatten(other), rel=1e-12, abs=1e-12)
        assert again.sql == place.warehouse.get_statistics(place.experiment, metric, as_of=LATER).sql


def test_what_is_loaded_later_is_not_part_of_what_was_held(place: Place) -> None:
    fill(place)
    clock = place.ledger.get_clock()
    before = [place.ledger.recompute_statistics(place.experiment, metric, as_of=LATER, loaded_until=clock) for metric in METRICS]
    fill(place, 1)
    place.expose("ann0", "treatment", START + DAY)
    place.load(place.land([place.record("bob0", START + DAY, "a")]), *METRICS)

    assert [place.ledger.recompute_statistics(place.experiment, metric, as_of=LATER, loaded_until=clock) for metric in METRICS] == before
    assert place.ledger.count_exposures(place.experiment, as_of=LATER, loaded_until=clock) == (4, 4, 0, START)
    assert place.ledger.count_exposures(place.experiment, as_of=LATER, loaded_until=None) == (9, 8, 1, START)
    assert place.ledger.count_exposures(place.experiment, as_of=START, loaded_until=None) == (4, 4, 0, START)


def test_fingerprints_of_what_came_between_clocks_add_up(place: Place) -> None:
    fill(place)
    clock = place.ledger.get_clock()
    first = place.ledger.read_fingerprints(place.experiment, after=None, until=clock)
    fill(place, 1)
    second = place.ledger.read_fingerprints(place.experiment, after=clock, until=place.ledger.get_clock())
    everything = place.ledger.read_fingerprints(place.experiment, after=None, until=None)

    assert [found.rows for found in first] == [found.rows for found in second]
    assert first != second
    assert list(add_fingerprints(first, second)) == list(everything)


def test_the_same_rows_in_another_order_have_the_same_fingerprint(place: Place) -> None:
    exposures = [place.expose(f"unit {number}", "control", START, f"it's \\ {number}\tü") for number in range(5)]
    other = replace(place, experiment=build_experiment())
    moved = [replace(found, experiment_id=other.experiment.experiment_id) for found in reversed(exposures)]
    other.warehouse.load_assignments(moved[:2])
    other.warehouse.load_assignments([*moved[2:], *moved])

    one, two = (place.ledger.read_fingerprints(each.experiment, after=None, until=None) for each in (place, other))
    assert [found.rows for found in one] == [5, 5, 0]
    if not isinstance(place.ledger, MemoryWarehouse):  # whose rows name their experiment
        assert list(one) == list(two)
    assert [found.rows for found in two] == [5, 5, 0]


@pytest.mark.integration
@pytest.mark.parametrize("place", ["redshift"], indirect=True)
@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("assignments", "variant = 'treatment'"),
        ("assignments", "exposed_at = DATEADD(second, 1, exposed_at)"),
        ("assignments", "model_version = NULL"),
        ("shown_items", "unit_id = 'x'"),
        ("outcomes", "event_timestamp = DATEADD(second, 1, event_timestamp)"),
        ("outcomes", "value = value + 0.001"),
        ("outcomes", "item = NULL"),
    ],
)
def test_any_change_of_a_row_changes_its_tables_fingerprint(place: Place, data_api: DataApi, table: str, change: str) -> None:
    fill(place)
    before = {found.table: found for found in place.ledger.read_fingerprints(place.experiment, after=None, until=None)}
    where = f"experiment_id = '{place.experiment.experiment_id}' AND unit_id = 'ann0'"
    data_api.query(f"UPDATE {table} SET {change} WHERE {where}")  # noqa: S608 - literals above
    after = {found.table: found for found in place.ledger.read_fingerprints(place.experiment, after=None, until=None)}

    assert {name for name in before if before[name] != after[name]} == {table}


@dataclass
class Concluded:
    """An experiment that concluded on a warehouse, its certificate as a file, and a way to change one outcome's row."""

    certificate: Path
    ledger: WarehouseLedger
    change: Callable[[str, datetime], None]


@pytest.fixture(params=["memory", pytest.param("redshift", marks=pytest.mark.integration)])
def concluded(request: pytest.FixtureRequest, tmp_path: Path) -> Concluded:
    world = build_world(request)
    control, treatment = world.meet("control", 600), world.meet("treatment", 600)
    world.land([*control[1:300], *treatment[:400]], at=BEGIN - DAY, amounts=[1.0] * 100 + [2.0] * 599)
    world.land([*control[:60], *treatment[:130]])
    world.land([*control[:500], *treatment[:540]], VISITS)
    assert world.analyse(BEGIN + 4 * DAY).decision == "running"
    world.land(control[60:70], at=BEGIN + 2 * DAY)
    assert world.analyse(BEGIN + 8 * DAY).decision == "concluded_ship"
    certificate = tmp_path / "certificate.json"
    certificate.write_bytes(world.certificates.find_certificate("ws", world.experiment.experiment_id) or b"")

    def change(unit_id: str, event_timestamp: datetime) -> None:
        if world.real is None:
            world.warehouse.change_outcome(world.experiment, BUYS, unit_id=unit_id, event_timestamp=event_timestamp)
            return
        api: DataApi = request.getfixturevalue("data_api")
        where = "experiment_id = :experiment_id AND metric = 'buys' AND unit_id = :unit_id"
        values = {"experiment_id": world.experiment.experiment_id, "unit_id": unit_id, "at": f"{event_timestamp:%Y-%m-%d %H:%M:%S}"}
        api.query(f"UPDATE outcomes SET event_timestamp = CAST(:at AS TIMESTAMP) WHERE {where}", values)  # noqa: S608 - literals above

    return Concluded(certificate, world.ports.ledger, change)


def build_world(request: pytest.FixtureRequest) -> World:
    spent = Metric("spent", "sum", "purchases", value_column="amount", cap=50.0, covariate_hours=48)
    guardrails = (Guardrail(Metric("visits", "conversion", "visits"), 0.05),)
    plan = replace(PLAN, guardrails=guardrails, secondary=(spent,), segments=(UnitSegment("tier", "purchases", "amount"),))
    if request.param == "memory":
        return World(plan)
    api: DataApi = request.getfixturevalue("data_api")
    bucket = f"lake-{uuid4().hex}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    s3 = build_client("s3")
    warehouse = RedshiftWarehouse(api, s3, Staging(bucket, "arn:aws:iam::000000000000:role/copy"))
    return World(plan, feature_sets=S3FeatureSetStore(bucket, s3), real=(warehouse, RedshiftLedger(api)))


def test_a_certificate_is_verified_until_one_row_is_changed(concluded: Concluded, capsys: pytest.CaptureFixture[str]) -> None:
    def verify() -> int:
        return run_verify(str(concluded.certificate), connect=lambda: concluded.ledger, progress=ignore_progress)

    assert verify() == 0, capsys.readouterr().out
    concluded.change("u0", BEGIN + 80 * DAY)
    capsys.readouterr()
    assert verify() == 1
    lines = capsys.readouterr().out.splitlines()
    assert "$.looks[0].detail.primary.counted.control.conversions: certified 60, recomputed 59" in lines
    concluded.change("u0", BEGIN + DAY)
    assert verify() == 0
