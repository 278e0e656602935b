"""`EstimateStore`: one suite over memory and S3."""

from uuid import uuid4

import boto3
import pytest

from presage.adapters.client import build_client
from presage.adapters.memory.estimate_store import MemoryEstimateStore
from presage.adapters.s3.estimate_store import S3EstimateStore
from presage.errors import AlreadyExistsError
from presage.off_policy.ports import EstimateStore

PLACE = ("mdl_1", 7)


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest) -> EstimateStore:
    if request.param == "memory":
        return MemoryEstimateStore()
    assert request.getfixturevalue("emulator")
    bucket = f"lake-{uuid4().hex}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    return S3EstimateStore(bucket, build_client("s3"))


def test_an_estimate_is_written_once_and_read_back(store: EstimateStore) -> None:
    assert store.find_estimate("ws_1", PLACE, "job_1") is None
    store.create_estimate("ws_1", PLACE, "job_1", b'{"schema":1}')

    with pytest.raises(AlreadyExistsError):
        store.create_estimate("ws_1", PLACE, "job_1", b'{"schema":2}')

    assert store.find_estimate("ws_1", PLACE, "job_1") == b'{"schema":1}'


def test_a_versions_estimates_are_listed_in_pages(store: EstimateStore) -> None:
    for number in (3, 1, 2):
        store.create_estimate("ws_1", PLACE, f"job_{number}", b"{}")

    assert list(store.list_estimates("ws_1", PLACE, limit=2)) == ["job_1", "job_2"]
    assert list(store.list_estimates("ws_1", PLACE, after="job_2", limit=2)) == ["job_3"]
    assert list(store.list_estimates("ws_1", PLACE, after="job_3", limit=2)) == []


@pytest.mark.parametrize(("workspace", "place"), [("ws_2", PLACE), ("ws_1", ("mdl_2", 7)), ("ws_1", ("mdl_1", 70)), ("ws_1", ("mdl_1", 8))])
def test_another_workspace_model_or_version_has_none(store: EstimateStore, workspace: str, place: tuple[str, int]) -> None:
    store.create_estimate("ws_1", PLACE, "job_1", b"{}")

    assert store.find_estimate(workspace, place, "job_1") is None
    assert list(store.list_estimates(workspace, place)) == []
