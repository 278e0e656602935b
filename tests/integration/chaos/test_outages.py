"""What the public API needs is cut off during load, one by one and together: it answers on, loses nothing, recovers by itself."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest

from localstack.program import wait_until
from presage.adapters.sql.database import build_engine_from_url
from presage.adapters.sql.version_registry import SqlVersionRegistry
from presage.training.model import AliasMove
from tests.fixtures.served import fill_database
from tests.fixtures.serving import CLASSIFICATION, NOW, WORKSPACE, build_world
from tests.integration.chaos.platform import Load, Platform, start_platform
from tests.integration.chaos.proxies import Cut

pytestmark = pytest.mark.integration
MODEL = "m"
EACH = 60
"""Calls before, during and after a cut."""
RECOVERY_SECONDS = 60
"""From the join to the last row: the shipper's and SQS's own pauses are below this, and nobody helps."""


@pytest.fixture(scope="module")
def platform(emulator: str, mariadb: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("chaos")
    world = build_world(folder)
    model = world.add_model(MODEL, CLASSIFICATION, "0")
    world.deploy(model, world.add_version(model, 1, weights=(0.5, 0.01, -0.1)))
    world.experiment(model)
    fill_database(mariadb, world)
    platform = start_platform(world, mariadb, emulator_port=int(emulator.rpartition(":")[2]), folder=folder)
    yield platform
    platform.stop()


def run_through(platform: Platform, names: tuple[str, ...], how: Cut) -> Load:
    """Load before, during and after the cut of these; every call must be answered well."""
    processes = [process.pid for process in platform.processes if process.poll() is None]
    with Load(platform, MODEL) as load:
        load.wait_for(EACH)
        for name in names:
            platform.proxies[name].cut(how)
        load.wait_for(EACH)
        for name in names:
            platform.proxies[name].join()
        load.wait_for(EACH)
    assert dict(load.answers.statuses) == {200: load.count()}
    assert set(load.answers.answered_by) <= {"model", "default"}
    assert [process.pid for process in platform.processes if process.poll() is None] == processes
    return load


@pytest.mark.parametrize("how", ["refused", "silent"])
@pytest.mark.parametrize("names", [("dynamodb",), ("sqs",), ("s3",), ("mysql",), ("dynamodb", "sqs", "s3", "mysql")], ids="+".join)
def test_an_outage_costs_no_answer_and_loses_nothing(platform: Platform, names: tuple[str, ...], how: Cut) -> None:
    load = run_through(platform, names, how)

    log_missing, assignments_missing = platform.wait_handed_over(load.answers, seconds=RECOVERY_SECONDS)

    assert len(load.answers.acknowledged) >= 3 * EACH
    assert (log_missing, assignments_missing) == (set(), set())


def test_what_cannot_be_done_without_a_store_says_so_and_works_again(platform: Platform) -> None:
    record = {"record_id": "r1", "entity_id": "c1", "event_timestamp": "1998-01-01T00:00:00Z", "values": {"spent": 2.5}}
    paths = {"dynamodb": (f"/v1/predictions/{uuid4()}", None, 404), "sqs": ("/v1/datasets/orders/records", {"records": [record]}, 202)}
    for name, (path, body, afterwards) in paths.items():
        platform.proxies[name].cut("refused")
        status, problem, headers = platform.call(path, body)
        platform.proxies[name].join()

        assert (status, problem["code"]) == (503, "unavailable")
        assert int(headers["retry-after"]) > 0
        wait_until(lambda path=path, body=body, wanted=afterwards: platform.call(path, body)[0] == wanted, seconds=30, what=f"{name} again")  # type: ignore[misc]


def test_a_version_that_cannot_be_fetched_is_answered_by_the_last_good_one_until_it_can(
    platform: Platform, mariadb: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The ladder: S3 is away while the alias moves to a version that no task has yet."""
    world = build_world(tmp_path_factory.mktemp("next"))
    model = world.add_model(MODEL, CLASSIFICATION, "0")
    version = world.add_version(model, 2, weights=(-0.5, 0.02, 0.1))
    platform.put_files(world)
    engine = build_engine_from_url(mariadb)
    registry = SqlVersionRegistry(engine)
    registry.create_version(version)
    with Load(platform, MODEL) as load:
        load.wait_for(EACH)
        platform.proxies["s3"].cut("refused")
        registry.append_alias_move(AliasMove(WORKSPACE, model.model_id, "production", 2, "model", "test", NOW + timedelta(seconds=1)))
        wait_until(lambda: load.answers.answered_by["previous_version"] > 0, seconds=30, what="an answer by the last good version")
        load.wait_for(EACH)
        platform.proxies["s3"].join()
        wait_until(lambda: asks_version_2(platform), seconds=60, what="an answer by version 2")
    engine.dispose()

    assert dict(load.answers.statuses) == {200: load.count()}
    assert load.answers.fallback_reasons["version_unavailable"] == load.answers.answered_by["previous_version"]
    assert platform.wait_handed_over(load.answers, seconds=RECOVERY_SECONDS) == (set(), set())


def asks_version_2(platform: Platform) -> bool:
    """Whether a call that the model answers is answered by version 2."""
    results = platform.call("/v1/predict", {"model": MODEL, "features": [{"id": f"v{number}"} for number in range(10)]})[1]["results"]
    return {result["model_version"] for result in results if result["answered_by"] == "model"} == {2}
