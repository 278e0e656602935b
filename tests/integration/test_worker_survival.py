"""A worker that is killed or stopped in the middle of a job: the job is done once in effect, by its successor."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from localstack.program import free_port
from presage.adapters.client import build_client
from presage.adapters.s3.feature_set_store import S3FeatureSetStore
from presage.adapters.sql.database import build_engine_from_url
from presage.adapters.sql.migrate import migrate
from presage.adapters.sql.stores import SqlStores
from presage.adapters.sqs.job_queue import SqsJobQueue
from presage.features.dataset import Dataset
from presage.jobs.arguments import ImportFile
from presage.jobs.model import Job
from presage.jobs.use_cases import JobPorts, build_job, submit_job
from tests.fixtures.database_secret import create_secret_of
from tests.fixtures.metadata_rows import make_dataset, unique

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("emulator")]

ROOT = Path(__file__).parents[2]
ROWS = 250_000
PATIENCE_SECONDS = 120


@dataclass
class Place:
    """A worker, its daemon and what they work on."""

    stores: SqlStores
    lake: S3FeatureSetStore
    jobs: JobPorts
    environment: dict[str, str]
    port: int
    folder: Path

    @contextmanager
    def run(self, name: str, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def worker(self) -> ExitStack:
        address = f"127.0.0.1:{self.port}"
        command = ("gunicorn", "-c", "python:services.worker.gunicorn_conf", "--bind", address, "services.worker.app:create()")
        stack = ExitStack()
        self.process = stack.enter_context(self.run("worker", *command))
        return stack

    def daemon(self) -> ExitStack:
        stack = ExitStack()
        url, address = self.environment["PRESAGE_JOBS_QUEUE_URL"], f"http://127.0.0.1:{self.port}"
        command = ("localstack.sqs_daemon", "--queue-url", url, "--http-url", address, "--error-visibility-timeout", "1")
        stack.enter_context(self.run("daemon", *command))
        return stack

    def read(self, job: Job) -> Job:
        return self.stores.jobs.get_job(job.workspace_id, job.job_id)

    def wait(self, job: Job, reached: Callable[[Job], bool]) -> Job:
        """Return the job as soon as it is as asked. An ended one may be told to its user a moment later: that is another write."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not reached(current := self.read(job)):
            assert time.monotonic() < deadline, f"{current}\n{(self.folder / 'worker.log').read_text()[-3000:]}"
            time.sleep(0.02)
        return current


@pytest.fixture
def place(mariadb: str, tmp_path: Path) -> Place:
    engine = build_engine_from_url(mariadb)
    migrate(engine)
    s3, sqs = build_client("s3"), build_client("sqs")
    bucket = unique("lake").replace("_", "-")
    s3.create_bucket(Bucket=bucket)
    queue_url = sqs.create_queue(QueueName=unique("jobs"))["QueueUrl"]
    address = urlsplit(mariadb)
    settings: dict[str, object] = {
        "STAGE": "local",
        "LAKE_BUCKET": bucket,
        "ARTIFACTS_BUCKET": bucket,
        "PREDICTION_TABLE": "predictions",
        "CACHE_DIRECTORY": tmp_path / "cache",
        "JOBS_QUEUE_URL": queue_url,
        "DATABASE_HOST": address.hostname,
        "DATABASE_PORT": address.port,
        "DATABASE_NAME": address.path.lstrip("/"),
        "DATABASE_SECRET_ARN": create_secret_of(mariadb),
        "REDSHIFT_WORKGROUP": "w",
        "REDSHIFT_DATABASE": "d",
        "REDSHIFT_COPY_ROLE_ARN": "arn",
        "SPARK_TARGET": '{"kind": "serverless", "application_id": "a", "execution_role_arn": "arn"}',
        "EMR_STEPS": "{}",
        "TRAINER_CLUSTER": "c",
        "TRAINER_TASK_DEFINITION": "t",
        "TRAINER_SUBNETS": "s",
        "TRAINER_SECURITY_GROUPS": "g",
    }
    environment = {**os.environ, "PYTHONPATH": "src", **{f"PRESAGE_{name}": str(value) for name, value in settings.items()}}  # noqa: TID251
    stores = SqlStores.build(engine)
    jobs = JobPorts(stores.jobs, stores.outbox, SqsJobQueue(sqs, queue_url))
    return Place(stores, S3FeatureSetStore(bucket, s3), jobs, environment, free_port(), tmp_path)


def submit_import(place: Place) -> tuple[Dataset, Job]:
    dataset = make_dataset(unique("ws"))
    place.stores.datasets.create_dataset(dataset)
    key = f"ws={dataset.workspace_id}/imports/up_1/orders.csv"
    rows = "\n".join(f"c{number % 997},1998-{number % 12 + 1:02d}-01T00:00:00Z,{number}.5,s{number}" for number in range(ROWS))
    build_client("s3").put_object(Bucket=place.environment["PRESAGE_LAKE_BUCKET"], Key=key, Body=f"who,at,spent,shop\n{rows}\n".encode())
    arguments = ImportFile(dataset.dataset_id, key, "csv", "who", "at")
    job = build_job(arguments, workspace_id=dataset.workspace_id, created_by="usr_1", now=datetime.now(UTC))
    return dataset, submit_job(job, ports=place.jobs, now=datetime.now(UTC))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_import_whose_worker_ends_in_its_middle_is_done_once(place: Place, number: signal.Signals) -> None:
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
