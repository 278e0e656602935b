"""A worker's own process tells a customer's real server of a job that ended: at least once, also when it is killed over it."""

import json
import os
import signal
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy

from presage.adapters.client import build_client
from presage.adapters.secretsmanager.credential_store import SecretCredentialStore
from presage.adapters.sql.database import build_engine_from_url
from presage.notifications.webhooks import IssuedSecret, WebhookPorts, create_endpoint, rotate_secret, send_test
from tests.fixtures.hooks import Receiver, receiving
from tests.fixtures.metadata_rows import make_notification, unique
from tests.fixtures.notified import make_owner
from tests.fixtures.worker_process import PATIENCE_SECONDS, WorkerPlace, build_place

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("emulator")]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def place(mariadb: str, tmp_path: Path) -> WorkerPlace:
    return build_place(mariadb, tmp_path)


def manage(place: WorkerPlace) -> WebhookPorts:
    credentials = SecretCredentialStore(build_client("secretsmanager"), stage="local")
    return WebhookPorts(place.stores.webhooks, credentials, place.stores.notifications, allow_loopback=True)


def register(place: WorkerPlace, workspace_id: str, url: str) -> IssuedSecret:
    return create_endpoint(make_owner(workspace_id), url=url, events=("*.*",), now=datetime.now(UTC), ports=manage(place))


def run_task(place: WorkerPlace) -> int:
    """Do what the daemon does every minute, and return the task's count."""
    request = urllib.request.Request(f"http://127.0.0.1:{place.port}/cron/notify-outside", method="POST")
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - the same
        return int(json.load(answer)["count"])


def run_task_that_is_cut_off(place: WorkerPlace) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - a reset or an end of the connection, as it comes
        run_task(place)


def wait_until_ready(place: WorkerPlace) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{place.port}/readyz", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError((place.folder / "worker.log").read_text()[-3000:])


def make_due(mariadb: str) -> None:
    """Let every pause and lease be over."""
    engine = build_engine_from_url(mariadb)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE deliveries SET due_at = created_at WHERE state = 'pending'"))
    engine.dispose()


def test_a_server_that_fails_at_first_gets_the_notification_by_and_by(place: WorkerPlace, receiver: Receiver, mariadb: str) -> None:
    workspace_id = unique("ws")
    issued = register(place, workspace_id, receiver.url)
    receiver.secrets, receiver.answers = [issued.secret], [503, 302, "drop"]
    notification = replace(make_notification(workspace_id), created_at=datetime.now(UTC))
    place.stores.notifications.put_notification(notification)

    with place.worker():
        wait_until_ready(place)
        counts = []
        for _ in range(5):
            counts.append(run_task(place))
            make_due(mariadb)

    (delivery,) = place.stores.deliveries.list_deliveries(workspace_id, issued.endpoint.endpoint_id)
    assert counts == [0, 0, 0, 1, 0]
    assert (delivery.state, delivery.attempts, delivery.last_status) == ("delivered", 4, 200)
    assert [call["is_ours"] for call in receiver.calls] == [True] * 4
    assert {call["headers"]["idempotency-key"] for call in receiver.calls} == {notification.notification_id}
    assert {call["raw"] for call in receiver.calls} == {receiver.calls[0]["raw"]}
    log = (place.folder / "worker.log").read_text()
    assert issued.secret not in log
    assert issued.secret.removeprefix("whsec_") not in log


def test_a_worker_that_is_killed_while_a_server_hangs_leaves_it_to_the_next_one(
    place: WorkerPlace, receiver: Receiver, mariadb: str
) -> None:
    workspace_id = unique("ws")
    issued = register(place, workspace_id, receiver.url)
    receiver.secrets, receiver.answers = [issued.secret], ["hang"]
    sent = send_test(make_owner(workspace_id), issued.endpoint.endpoint_id, now=datetime.now(UTC), ports=manage(place))

    with place.worker():
        wait_until_ready(place)
        asking = threading.Thread(target=run_task_that_is_cut_off, args=(place,))
        asking.start()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not receiver.calls:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(place.process.pid, signal.SIGKILL)
        place.process.wait()
        asking.join()
    make_due(mariadb)
    with place.worker():
        wait_until_ready(place)
        assert run_task(place) == 1

    (delivery,) = place.stores.deliveries.list_deliveries(workspace_id, issued.endpoint.endpoint_id)
    assert (delivery.delivery_id, delivery.state, delivery.attempts) == (sent.delivery_id, "delivered", 2)
    assert len({call["headers"]["idempotency-key"] for call in receiver.calls}) == 1


def test_during_a_rotation_the_server_may_hold_either_secret(place: WorkerPlace, receiver: Receiver) -> None:
    workspace_id = unique("ws")
    first = register(place, workspace_id, receiver.url)
    second = rotate_secret(
        make_owner(workspace_id), first.endpoint.endpoint_id, overlap_hours=1, now=datetime.now(UTC), ports=manage(place)
    )
    with place.worker():
        wait_until_ready(place)
        for held in (first, second):
            receiver.secrets = [held.secret]
            send_test(make_owner(workspace_id), first.endpoint.endpoint_id, now=datetime.now(UTC), ports=manage(place))
            assert run_task(place) == 1
    assert [call["is_ours"] for call in receiver.calls] == [True, True]
