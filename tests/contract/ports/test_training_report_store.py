"""`TrainingReportStore`: one suite over memory and S3."""

from collections.abc import Callable
from uuid import uuid4

import boto3
import pytest

from presage.adapters.client import build_client
from presage.adapters.memory.training_report_store import MemoryTrainingReportStore
from presage.adapters.s3.training_report_store import S3TrainingReportStore
from presage.training.ports import TrainingReportStore
from presage.training.reports import CARD, REPORT, build_report_key

PLACE = ("mdl_1", 7)
Put = Callable[[str, bytes], object]
Kept = tuple[TrainingReportStore, Put]


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest) -> Kept:
    if request.param == "memory":
        kept = MemoryTrainingReportStore()
        return kept, kept.lake.__setitem__
    assert request.getfixturevalue("emulator")
    bucket = f"lake-{uuid4().hex}"
    client = boto3.client("s3")
    client.create_bucket(Bucket=bucket)
    return S3TrainingReportStore(bucket, build_client("s3")), lambda key, body: client.put_object(Bucket=bucket, Key=key, Body=body)


def test_a_file_that_the_trainer_wrote_is_found_by_its_name(store: Kept) -> None:
    reports, put = store
    assert reports.find_report_file("ws_1", PLACE, REPORT) is None
    put(build_report_key("ws_1", *PLACE, REPORT), b"{}")
    put(build_report_key("ws_1", *PLACE, "plots/roc.svg"), b"<svg/>")
    assert reports.find_report_file("ws_1", PLACE, REPORT) == b"{}"
    assert reports.find_report_file("ws_1", PLACE, "plots/roc.svg") == b"<svg/>"
    assert reports.find_report_file("ws_1", PLACE, CARD) is None


@pytest.mark.parametrize(("workspace", "place"), [("ws_2", PLACE), ("ws_1", ("mdl_2", 7)), ("ws_1", ("mdl_1", 70))])
def test_another_workspace_model_or_version_has_none(store: Kept, workspace: str, place: tuple[str, int]) -> None:
    reports, put = store
    put(build_report_key("ws_1", *PLACE, REPORT), b"{}")
    assert reports.find_report_file(workspace, place, REPORT) is None
