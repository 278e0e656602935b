"""A worker that is killed or stopped in the middle of a job: the job is done once in effect, by its successor."""

import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from presage.adapters.client import build_client
from presage.features.dataset import Dataset
from presage.jobs.arguments import ImportFile
from presage.jobs.model import Job
from presage.jobs.use_cases import build_job, submit_job
from tests.fixtures.metadata_rows import make_dataset, unique
from tests.fixtures.worker_process import PATIENCE_SECONDS, WorkerPlace, build_place

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("emulator")]

ROWS = 250_000


@pytest.fixture
def place(mariadb: str, tmp_path: Path) -> WorkerPlace:
    return build_place(mariadb, tmp_path)


def submit_import(place: WorkerPlace) -> tuple[Dataset, Job]:
    dataset = make_dataset(unique("ws"))
    place.stores.datasets.create_dataset(dataset)
    key = f"ws={dataset.workspace_id}/imports/up_1/orders.csv"
    rows = "\n".join(f"c{number % 997},1998-{number % 12 + 1:02d}-01T00:00:00Z,{number}.5,s{number}" for number in range(ROWS))
    build_client("s3").put_object(Bucket=place.environment["PRESAGE_LAKE_BUCKET"], Key=key, Body=f"who,at,spent,shop\n{rows}\n".encode())
    arguments = ImportFile(dataset.dataset_id, key, "csv", "who", "at")
    job = build_job(arguments, workspace_id=dataset.workspace_id, created_by="usr_1", now=datetime.now(UTC))
    return dataset, submit_job(job, ports=place.jobs, now=datetime.now(UTC))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_import_whose_worker_ends_in_its_middle_is_done_once(place: WorkerPlace, number: signal.Signals) -> None:
    with place.daemon():
        with place.worker():
            dataset, job = submit_import(place)
            place.wait(job, lambda current: 0.0 < current.progress < 1.0)
            if number is signal.SIGKILL:
                os.killpg(place.process.pid, signal.SIGKILL)
            else:
                place.process.send_signal(signal.SIGTERM)
            place.process.wait(timeout=PATIENCE_SECONDS)
        interrupted = place.read(job)
        with place.worker():
            ended = place.wait(job, lambda current: current.state not in {"queued", "running"})
            place.wait(job, lambda current: bool(place.stores.notifications.list_notifications(current.workspace_id)))

    assert (interrupted.state, interrupted.attempts) == ("running", 1)
    assert (ended.state, ended.attempts, ended.result["accepted"]) == ("succeeded", 2, ROWS)
    version = place.lake.find_version(dataset.workspace_id, dataset.dataset_id)
    assert version is not None
    assert (version.version, sum(part.rows for part in version.parts)) == (1, ROWS)
    told = place.stores.notifications.list_notifications(dataset.workspace_id)
    assert [(one.notification_id, one.user_id) for one in told] == [(f"ntf_{job.job_id}", "usr_1")]
    assert "orders" in told[0].body
