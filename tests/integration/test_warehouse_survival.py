"""A customer's database breaks off and the worker is killed: every row is there once, and told of once."""

import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from presage.adapters.client import build_client
from presage.adapters.secretsmanager.credential_store import SecretCredentialStore
from presage.features.dataset import Dataset
from presage.jobs.arguments import ImportWarehouse
from presage.jobs.model import Job
from presage.jobs.use_cases import build_job, submit_job
from tests.fixtures.customer_tables import REQUEST, Line, make_order
from tests.fixtures.feature_records import COLUMNS
from tests.fixtures.metadata_rows import unique
from tests.fixtures.worker_process import WorkerPlace, build_place
from tests.integration.test_customer_warehouse import open_shop

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("emulator")]

ROWS = 200_000
KILLED_AT = 0.5


def submit(place: WorkerPlace, dataset: Dataset) -> Job:
    names = (REQUEST.cursor_column, REQUEST.key_column, REQUEST.entity_column, REQUEST.event_timestamp_column)
    arguments = ImportWarehouse(dataset.dataset_id, "shop", "postgresql", *names, table=REQUEST.table)
    job = build_job(arguments, workspace_id=dataset.workspace_id, created_by="usr_1", now=datetime.now(UTC))
    return submit_job(job, ports=place.jobs, now=datetime.now(UTC))


def test_an_import_through_cuts_and_a_kill_is_exact_to_the_row(mariadb: str, postgres: str, tmp_path: Path) -> None:
    place, shop = build_place(mariadb, tmp_path), open_shop("postgresql", postgres)
    shop.create()
    shop.add(range(ROWS))
    dataset = Dataset(unique("ws"), unique("ds"), "orders", "customer", COLUMNS, datetime.now(UTC))
    place.stores.datasets.create_dataset(dataset)
    line = Line(("127.0.0.1", int(shop.login.port)), [3_000_000, 2_000_000])
    with line.open(), place.daemon():
        login = {"host": "127.0.0.1", "port": str(line.port), "database": shop.login.database, "username": shop.login.username}
        credentials = SecretCredentialStore(build_client("secretsmanager"), stage="local")
        credentials.put_credential(dataset.workspace_id, "shop", login | {"password": shop.login.password})
        with place.worker():
            job = submit(place, dataset)
            killed = place.wait(job, lambda current: current.progress >= KILLED_AT and "parts" in current.checkpoint)
            os.killpg(place.process.pid, signal.SIGKILL)
            place.process.wait()
        with place.worker():
            first = place.wait(job, lambda current: current.state not in {"queued", "running"})
            again = submit(place, dataset)
            second = place.wait(again, lambda current: current.state not in {"queued", "running"})
            place.wait(again, lambda _: len(place.stores.notifications.list_notifications(dataset.workspace_id)) > 1)
    shop.engine.dispose()

    assert killed.state == "running"
    assert (first.state, first.attempts, second.state) == ("succeeded", 2, "succeeded"), (first, second)
    assert line.cuts == 2
    assert (first.result["rows"], first.result["accepted"]) == (ROWS, ROWS)
    assert (second.result["accepted"], second.result["duplicates"], second.result["version"]) == (0, ROWS, None)
    assert first.result["read_until"] == second.result["read_until"] == "2026-01-03T07:33:20Z"
    version = place.lake.find_version(dataset.workspace_id, dataset.dataset_id)
    assert version is not None
    assert sum(part.rows for part in version.parts) == ROWS
    frame = place.lake.read_frame(version).select("record_id", "entity_id", "amount", "returned")
    expected = {(str(row["Order"]), row["customer"], row["amount"], row["returned"]) for row in map(make_order, range(ROWS))}
    assert set(frame.iter_rows()) == expected
    told = place.stores.notifications.list_notifications(dataset.workspace_id)
    assert sorted(one.notification_id for one in told) == sorted(f"ntf_{one.job_id}" for one in (first, second))
    for log in tmp_path.glob("*.log"):
        assert shop.login.password not in log.read_text()
