"""What the public API needs is cut off during load, one by one and together: it answers on, loses nothing, recovers by itself."""

import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest

from localstack.program import wait_until
from presage.adapters.sql.database import build_engine_from_url
from presage.adapters.sql.version_registry import SqlVersionRegistry
from presage.training.model import AliasMove
from tests.fixtures.public_api_process import build_serving_world
from tests.fixtures.serving import CLASSIFICATION, NOW, WORKSPACE, build_world
from tests.integration.chaos.callers import LARGE, Load
from tests.integration.chaos.platform import Platform, run_platform
from tests.integration.chaos.proxies import Cut

pytestmark = pytest.mark.integration
MODEL = "m"
EACH = 40
"""Calls before, during and after a cut."""
CUT_SECONDS = 4.0
"""Longer than metadata counts as fresh, and than anything waits for a store that says nothing."""
MOST_SHED = 0.02
SLOWEST_SECONDS = 2.0
"""No prediction waits for a store; this much is the machine's."""
RECOVERY_SECONDS = 60
"""From the join to the last row: the shipper's and SQS's own pauses are below this, and nobody helps."""


@pytest.fixture(scope="module")
def platform(emulator: str, mariadb: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("chaos")
    world = build_serving_world(folder)
    with run_platform(world, mariadb, emulator_port=int(emulator.rpartition(":")[2]), folder=folder) as platform:
        yield platform


def run_through(platform: Platform, names: tuple[str, ...], how: Cut) -> tuple[Load, list[int]]:
    """Load before, during and after the cut of these, with every call answered well; also how many bytes each passed until then."""
    processes = platform.list_processes()
    with Load(platform.service, MODEL) as load:
        load.wait_for(EACH)
        for name in names:
            platform.proxies[name].cut(how)
        passed = platform.count_passed(names)
        load.ask(LARGE)
        time.sleep(CUT_SECONDS)
        load.wait_for(EACH)
        assert platform.count_passed(names) == passed
        for name in names:
            platform.proxies[name].join()
        load.wait_for(EACH)
    assert dict(load.answers.statuses) == {200: load.count()}
    assert load.answers.shed <= load.count() * MOST_SHED
    assert set(load.answers.answered_by) <= {"model", "default"}
    assert load.answers.slowest_seconds < SLOWEST_SECONDS
    assert platform.list_processes() == processes
    return load, passed


@pytest.mark.parametrize("how", ["refused", "silent"])
@pytest.mark.parametrize("names", [("dynamodb",), ("sqs",), ("s3",), ("mysql",), ("dynamodb", "sqs", "s3", "mysql")], ids="+".join)
def test_an_outage_costs_no_answer_and_loses_nothing(platform: Platform, names: tuple[str, ...], how: Cut) -> None:
    load, passed = run_through(platform, names, how)

    log_missing, assignments_missing = platform.wait_handed_over(load.answers.acknowledged, seconds=RECOVERY_SECONDS)

    assert len(load.answers.acknowledged) >= 3 * EACH
    assert (log_missing, assignments_missing) == (set(), set())
    assert platform.list_faults() == []
    wait_until(partial(passes_again, platform, names, passed), seconds=RECOVERY_SECONDS, what=f"traffic to {', '.join(names)}")


def passes_again(platform: Platform, names: tuple[str, ...], before: list[int]) -> bool:
    """Whether each passes bytes again; metadata is renewed behind calls, so one is made."""
    assert platform.service.call("/v1/predict", {"model": MODEL, "features": [{"id": "c1"}]})[0] == 200
    return all(now > then for now, then in zip(platform.count_passed(names), before, strict=True))


def test_what_cannot_be_done_without_a_store_says_so_and_works_again(platform: Platform) -> None:
    record = {"record_id": "r1", "entity_id": "c1", "event_timestamp": "1998-01-01T00:00:00Z", "values": {"spent": 2.5}}
    paths = {"dynamodb": (f"/v1/predictions/{uuid4()}", None, 404), "sqs": ("/v1/datasets/orders/records", {"records": [record]}, 202)}
    for name, (path, body, afterwards) in paths.items():
        platform.proxies[name].cut("refused")
        status, problem = platform.service.call(path, body)
        platform.proxies[name].join()

        assert (status, problem["code"]) == (503, "unavailable")
        wait_until(partial(answers_with, platform, afterwards, path, body), seconds=30, what=f"{name} again")
    assert platform.list_faults() == []


def answers_with(platform: Platform, wanted: int, path: str, body: object) -> bool:
    return platform.service.call(path, body)[0] == wanted


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
    with Load(platform.service, MODEL) as load:
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
    assert platform.wait_handed_over(load.answers.acknowledged, seconds=RECOVERY_SECONDS) == (set(), set())
    assert platform.list_faults() == []


def asks_version_2(platform: Platform) -> bool:
    """Whether a call that the model answers is answered by version 2."""
    results = platform.service.call("/v1/predict", {"model": MODEL, "features": [{"id": f"v{number}"} for number in range(10)]})[1][
        "results"
    ]
    return {result["model_version"] for result in results if result["answered_by"] == "model"} == {2}
