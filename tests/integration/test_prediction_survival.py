"""Processes that write predictions down and hand them over are killed at random moments: nothing acknowledged is lost."""

import os
import random
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from presage.adapters.client import build_client
from presage.adapters.sqs.prediction_queue import SqsPredictionMessages
from presage.experiments.messages import decode_message
from tests.fixtures.public_api import AMPLE_LIMITS

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
ROUNDS = 6
DRAIN_SECONDS = 60


class Scene:
    """A journal with appending processes, a shipper, and queues whose messages a thread takes as they come."""

    def __init__(self, folder: Path) -> None:
        name = f"survival-{secrets.token_hex(6)}"
        self.sqs, s3 = build_client("sqs"), build_client("s3")
        s3.create_bucket(Bucket=name)
        self.queues = {kind: self.sqs.create_queue(QueueName=f"{name}-{kind}")["QueueUrl"] for kind in ("predictions", "assignments")}
        self.journal, self.acknowledged = folder / "journal", folder / "acknowledged"
        self.logged: set[str] = set()
        self.assigned: set[str] = set()
        self._messages = SqsPredictionMessages(name, s3=s3)
        self._folder = folder
        names = ("artifacts_bucket", "prediction_table", "idempotency_table", "database_host", "database_name", "records_queue_url")
        self._environment = {
            **os.environ,  # noqa: TID251 - the machine around the processes: endpoints and keys
            **{f"PRESAGE_{each.upper()}": "unused" for each in names},
            "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}",
            "PRESAGE_STAGE": "local",
            "PRESAGE_LAKE_BUCKET": name,
            "PRESAGE_PREDICTIONS_QUEUE_URL": self.queues["predictions"],
            "PRESAGE_ASSIGNMENTS_QUEUE_URL": self.queues["assignments"],
            "PRESAGE_DATABASE_PORT": "1",
            "PRESAGE_DATABASE_SECRET_ARN": "unused",
            "PRESAGE_CATALOG_TTL_SECONDS": "1",
            "PRESAGE_REQUEST_LIMITS": AMPLE_LIMITS,
            "PRESAGE_SNAPSHOT_STALE_SECONDS": "604800",
            "PRESAGE_MODEL_MEMORY_BYTES": "100000000",
            "PRESAGE_CACHE_DIRECTORY": str(folder),
        }
        self._processes: list[subprocess.Popen[bytes]] = []

    def append_from(self, first: int) -> subprocess.Popen[bytes]:
        return self._start("tests.fixtures.appending", str(self.journal), str(self.acknowledged), str(first))

    def ship(self) -> subprocess.Popen[bytes]:
        return self._start("services.public_api.shipper")

    def read_acknowledged(self) -> set[str]:
        # What is behind the last end of line was being written when its process was killed.
        return set(self.acknowledged.read_text().split("\n")[:-1])

    def take(self) -> bool:
        """Take what the queues hold and return whether that was anything."""
        taken = 0
        for kind, url in self.queues.items():
            for message in self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
                self._keep(kind, message["Body"])
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                taken += 1
        return taken > 0

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def _keep(self, kind: str, body: str) -> None:
        if kind == "predictions":
            self.logged |= {each.prediction_id for each in self._messages.read_entries(body)}
        else:
            self.assigned |= {each.prediction_id for each in decode_message(body)}

    def _start(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env=self._environment,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                preexec_fn=block_sigterm,  # noqa: PLW1509 - as the service's own parent starts its shipper
            )
        self._processes.append(process)
        return process


def block_sigterm() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


@pytest.fixture
def scene(emulator: str, tmp_path: Path) -> Iterator[Scene]:
    assert emulator
    scene = Scene(tmp_path)
    yield scene
    scene.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_every_acknowledged_prediction_arrives_whichever_process_is_killed_when(scene: Scene, seed: int) -> None:
    chance = random.Random(seed)
    writers = [scene.append_from(number * 10**9) for number in range(2)]
    shipper = scene.ship()
    with_everything = threading.Event()
    consumer = threading.Thread(target=consume, args=(scene, with_everything))
    consumer.start()
    for round_number in range(1, ROUNDS + 1):
        time.sleep(chance.uniform(0.3, 1.5))
        victim = chance.choice(["writer", "shipper", "both"])
        if victim != "shipper":
            writers.pop(0).send_signal(signal.SIGKILL)
            writers.append(scene.append_from((1 + round_number) * 10**9))
        if victim != "writer":
            shipper.send_signal(signal.SIGKILL)
            shipper = scene.ship()
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    shipper.send_signal(signal.SIGTERM)
    code = shipper.wait(DRAIN_SECONDS)
    with_everything.set()
    consumer.join()
    acknowledged = scene.read_acknowledged()
    assert len(acknowledged) > 1_000
    assert acknowledged - scene.logged == set()
    assert acknowledged - scene.assigned == set()
    assert code == 0
    assert [path.name for path in scene.journal.iterdir() if path.suffix != ".creating"] == ["claim"]


def consume(scene: Scene, ended: threading.Event) -> None:
    """Take messages until nothing comes any more after the end."""
    while scene.take() or not ended.is_set():
        ended.wait(0.05)


def test_a_shipper_asked_to_stop_hands_over_what_was_left_behind(scene: Scene) -> None:
    writer = scene.append_from(0)
    time.sleep(2)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    shipper: Any = scene.ship()
    shipper.send_signal(signal.SIGTERM)
    assert shipper.wait(DRAIN_SECONDS) == 0
    while scene.take():
        pass
    assert scene.read_acknowledged() - scene.logged == set()
