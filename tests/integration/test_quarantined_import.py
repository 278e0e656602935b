"""A file of other columns, through the worker's own process: kept, told, and landed by what is declared."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from presage.adapters.client import build_client
from presage.adapters.s3.quarantine_store import S3QuarantineStore
from presage.features.dataset import Dataset
from presage.jobs.arguments import ImportFile
from presage.jobs.model import Job
from presage.jobs.use_cases import build_job, submit_job
from tests.fixtures.metadata_rows import make_dataset, unique
from tests.fixtures.worker_process import WorkerPlace, build_place

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("emulator")]

BODY = b"who,at,spent,shop,colour\nc1,1998-01-01T00:00:00Z,2.5,a,red\nc2,1998-01-02T00:00:00Z,cheap,b,blue\n"


def run(place: WorkerPlace, dataset: Dataset, key: str, columns: Mapping[str, Mapping[str, object]]) -> Job:
    arguments = ImportFile(dataset.dataset_id, key, "csv", "who", "at", columns=columns)
    job = build_job(arguments, workspace_id=dataset.workspace_id, created_by="usr_1", now=datetime.now(UTC))
    submit_job(job, ports=place.jobs, now=datetime.now(UTC))
    told = f"ntf_{job.job_id}"

    def is_told(current: Job) -> bool:
        return told in {one.notification_id for one in place.stores.notifications.list_notifications(current.workspace_id)}

    return place.wait(job, is_told)


def test_a_file_that_breaks_the_schema_is_kept_told_and_landed_by_declaration(mariadb: str, tmp_path: Path) -> None:
    place = build_place(mariadb, tmp_path)
    bucket, s3 = place.environment["PRESAGE_LAKE_BUCKET"], build_client("s3")
    dataset = make_dataset(unique("ws"))
    place.stores.datasets.create_dataset(dataset)
    key = f"ws={dataset.workspace_id}/imports/up_1/orders.csv"
    s3.put_object(Bucket=bucket, Key=key, Body=BODY)

    with place.daemon(), place.worker():
        kept = run(place, dataset, key, {})
        load = S3QuarantineStore(bucket, s3).find_load(dataset.workspace_id, dataset.dataset_id, kept.job_id)
        below = s3.list_objects_v2(Bucket=bucket, Prefix=f"ws={dataset.workspace_id}/dataset=")["KeyCount"]
        assert load is not None
        landed = run(place, dataset, load.key, {"spent": {"type": "number"}})

    assert (kept.state, kept.attempts, below) == ("quarantined", 1, 0)
    (broken,) = load.breaking
    assert msgspec.to_builtins(broken) in kept.result["changes"]  # type: ignore[operator]
    assert (broken.column, broken.was, broken.now, broken.first and (broken.first.line, broken.first.value)) == (
        "spent",
        "number",
        "string",
        (3, "cheap"),
    )
    assert s3.get_object(Bucket=bucket, Key=load.key)["Body"].read() == BODY
    told = place.stores.notifications.list_notifications(dataset.workspace_id)
    assert [one.subject for one in told] == ["Import file succeeded", "Import file quarantined"]
    assert "spent widened (number → string)" in told[1].body

    assert (landed.state, landed.result["accepted"], landed.result["invalid"]) == ("succeeded", 1, 1)
    version = place.lake.find_version(dataset.workspace_id, dataset.dataset_id)
    assert version is not None
    assert version.dataset == replace(dataset, columns=version.dataset.columns, schema_version=2)
    assert [row["colour"] for row in place.lake.read_frame(version).iter_rows(named=True)] == ["red"]
    lineage = place.stores.datasets.list_schemas(dataset.workspace_id, dataset.dataset_id)
    assert [(one.schema_version, one.cause) for one in lineage] == [(1, "declared"), (2, landed.job_id)]
