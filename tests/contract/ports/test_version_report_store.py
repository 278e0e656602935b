"""`VersionReportStore`: one suite over memory and S3."""

from uuid import uuid4

import boto3
import pytest

from presage.adapters.client import build_client
from presage.adapters.memory.version_report_store import MemoryVersionReportStore
from presage.adapters.s3.version_report_store import S3VersionReportStore
from presage.errors import AlreadyExistsError
from presage.training.ports import VersionReportStore

PLACE = ("mdl_1", 7)


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest) -> VersionReportStore:
    if request.param == "memory":
        return MemoryVersionReportStore()
    assert request.getfixturevalue("emulator")
    bucket = f"lake-{uuid4().hex}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    return S3VersionReportStore(bucket, build_client("s3"), folder="off_policy")


def test_a_report_is_written_once_and_read_back(store: VersionReportStore) -> None:
    assert store.find_report("ws_1", PLACE, "job_1") is None
    store.create_report("ws_1", PLACE, "job_1", b'{"schema":1}')

    with pytest.raises(AlreadyExistsError):
        store.create_report("ws_1", PLACE, "job_1", b'{"schema":2}')

    assert store.find_report("ws_1", PLACE, "job_1") == b'{"schema":1}'


def test_a_versions_reports_are_listed_in_pages(store: VersionReportStore) -> None:
    for number in (3, 1, 2):
        store.create_report("ws_1", PLACE, f"job_{number}", b"{}")

    assert list(store.list_reports("ws_1", PLACE, limit=2)) == ["job_1", "job_2"]
    assert list(store.list_reports("ws_1", PLACE, after="job_2", limit=2)) == ["job_3"]
    assert list(store.list_reports("ws_1", PLACE, after="job_3", limit=2)) == []


@pytest.mark.parametrize(("workspace", "place"), [("ws_2", PLACE), ("ws_1", ("mdl_2", 7)), ("ws_1", ("mdl_1", 70)), ("ws_1", ("mdl_1", 8))])
def test_another_workspace_model_or_version_has_none(store: VersionReportStore, workspace: str, place: tuple[str, int]) -> None:
    store.create_report("ws_1", PLACE, "job_1", b"{}")

    assert store.find_report(workspace, place, "job_1") is None
    assert list(store.list_reports(workspace, place)) == []
