"""Records over HTTP beside one SQS message an event: `python -m benchmarks.ingestion --rounds 3 --seconds 4`.

Ours is the service as it is deployed: HTTP, the caller's key, validation, ids, one durable message a call, a result a record. The peer is
boto3 alone, in as many processes as the service has workers, with no HTTP in front and nothing validated: `send_message` an event, and,
since that is the better peer, `send_message_batch` of ten events. Both send to the same sink, in turns; what the sink holds afterwards is
counted against what was acknowledged. The sink stands in for SQS because the emulator costs more than what is measured: its time would
be the peer's, which calls it fifty times as often.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.load import MeasurementError
from benchmarks.ours import KEY, KEY_HEADER, UNLIMITED, Surroundings
from benchmarks.process_tree import measure
from benchmarks.screen import keep, say, show_line, show_table
from benchmarks.servers import running
from localstack.emulator import client_environment
from localstack.places import ROOT
from localstack.program import Program, free_port, is_listening
from presage.adapters.client import build_client
from presage.adapters.sql.api_key_store import SqlApiKeyStore
from presage.adapters.sql.database import build_engine_from_url
from presage.adapters.sql.dataset_store import SqlDatasetStore
from presage.adapters.sql.migrate import migrate
from presage.adapters.sql.workspace_store import SqlWorkspaceStore
from presage.adapters.sqs.packing import unpack
from presage.features.dataset import Column, Dataset
from presage.tenancy.model import ApiKey, User, Workspace
from tests.fixtures.servers import SessionServers, session_folder

CONNECTIONS = 8
PEER_PROCESSES, PEER_THREADS = 2, 4
BATCHES = (500, 100)
PEER_CALLS = {"message": 1, "messages_of_10": 10}
PATH = "/v1/datasets/orders/records"
_SERIAL, _DIGITS = b"@@@@@@@@@@@@", 12
_MARK = "entity_id"
"""What the sink holds once an event, in whatever message it came."""
_COLUMNS = (Column("amount", "number"), Column("quantity", "number"), Column("shop", "string"), Column("item", "string"))


@dataclass(frozen=True)
class Figure:
    """One contestant in one round."""

    events: int
    events_a_second: float
    cpu_us_an_event: float


def build_event(number: int) -> dict[str, object]:
    """Return an event whose id is to be completed with a serial number of its call: none may be known already."""
    return {
        "record_id": f"{_SERIAL.decode()}-{number:03d}",
        "entity_id": f"customer-{number * 7919 % 100_000}",
        "event_timestamp": f"2026-01-01T00:{number // 60 % 60:02d}:{number % 60:02d}Z",
        "values": {"amount": number * 1.25, "quantity": number % 7, "shop": f"shop {number % 31}", "item": f"item-{number * 31 % 9973}"},
    }


class Serials:
    """Bodies that differ in the ids of their events only."""

    def __init__(self, template: bytes) -> None:
        self._template = template
        self._run = secrets.randbelow(1_000) * 10**9
        self._lock = threading.Lock()
        self._next = 0

    def take(self) -> bytes:
        """Return the next body."""
        with self._lock:
            self._next += 1
            number = self._next
        return self._template.replace(_SERIAL, b"%0*d" % (_DIGITS, self._run + number))


def send_for(seconds: float, threads: int, send: Callable[[], int]) -> tuple[int, float]:
    """Let every thread `send` again and again, and return the acknowledged events and the time that it took.

    Raises:
        MeasurementError: A thread failed.
    """
    counts, errors = [0] * threads, []
    began = time.perf_counter()

    def work(number: int) -> None:
        try:
            while time.perf_counter() - began < seconds:
                counts[number] += send()
        except Exception as error:  # noqa: BLE001 - raised again below, by the thread that waits
            errors.append(error)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:
        raise MeasurementError(f"a sender failed: {errors[0]!r}") from errors[0]
    return sum(counts), time.perf_counter() - began


class Ours:
    """The running service, asked for batches of so many records."""

    def __init__(self, port: int, root: int, batch: int) -> None:
        self._root = root
        self._batch = batch
        self._bodies = Serials(json.dumps({"records": [build_event(number) for number in range(batch)]}, separators=(",", ":")).encode())
        self._local = threading.local()
        self._port = port

    def run(self, seconds: float) -> Figure:
        """Send for so long."""
        before = measure(self._root).cpu_seconds
        events, took = send_for(seconds, CONNECTIONS, self._send)
        return Figure(events, events / took, (measure(self._root).cpu_seconds - before) / events * 1e6)

    def _send(self) -> int:
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        connection: http.client.HTTPConnection = self._local.connection
        connection.request("POST", PATH, self._bodies.take(), {"content-type": "application/json", KEY_HEADER: KEY})
        response = connection.getresponse()
        answer = response.read()
        if response.status != http.HTTPStatus.ACCEPTED or not answer.startswith(b'{"accepted":%d,"duplicate":0,"invalid":0' % self._batch):
            raise MeasurementError(f"{response.status}: {answer[:200]!r}")
        return self._batch


class Peer:
    """boto3 in processes of its own, which report how many events they sent and what CPU that took."""

    def __init__(self, queue_url: str, environment: Mapping[str, str], events_a_call: int) -> None:
        self._command = [sys.executable, "-m", "benchmarks.ingestion", "--peer", queue_url, "--events", str(events_a_call)]
        self._environment = dict(environment)

    def run(self, seconds: float) -> Figure:
        """Send for so long."""
        processes = [
            subprocess.Popen([*self._command, "--seconds", str(seconds)], env=self._environment, stdout=subprocess.PIPE)
            for _ in range(PEER_PROCESSES)
        ]
        reports = [json.loads(process.communicate()[0]) for process in processes]
        events = sum(report["events"] for report in reports)
        rate = sum(report["events"] / report["took"] for report in reports)
        return Figure(events, rate, sum(report["cpu"] for report in reports) / events * 1e6)


def run_peer(queue_url: str, events_a_call: int, seconds: float) -> None:
    """Be one process of the peer, and print what came of it."""
    client = build_client("sqs")
    bodies = Serials(json.dumps(build_event(0), separators=(",", ":")).encode())

    def send() -> int:
        if events_a_call == 1:
            client.send_message(QueueUrl=queue_url, MessageBody=bodies.take().decode())
            return 1
        entries = [{"Id": str(number), "MessageBody": bodies.take().decode()} for number in range(events_a_call)]
        return len(client.send_message_batch(QueueUrl=queue_url, Entries=entries)["Successful"])  # type: ignore[arg-type]  # plain dicts do

    send()
    before = time.process_time()
    events, took = send_for(seconds, PEER_THREADS, send)
    show_line(json.dumps({"events": events + events_a_call, "took": took, "cpu": time.process_time() - before}))


class Sunk:
    """What a queue of the sink holds."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def take_events(self) -> int:
        """Return how many events are there, and forget them."""
        with self._path.open("rb") as lines:
            events = sum(str(unpack(json.loads(line))).count(_MARK) for line in lines)
        os.truncate(self._path, 0)
        return events


@contextmanager
def surroundings(folder: Path) -> Iterator[Surroundings]:
    """Run a database with one dataset and one key, and a sink, until the context ends."""
    database = SessionServers(session_folder(os.getpid()), os.getpid()).mariadb()
    name = f"benchmark_{secrets.token_hex(6)}"
    database.execute(f"CREATE DATABASE {name}")
    url = f"{database.url}/{name}?charset=utf8mb4"
    around = Surroundings(folder, free_port(), url, dict.fromkeys(("free", "standard"), UNLIMITED))
    _fill(around.database_url)
    sink = Program(
        name="sink",
        command=(sys.executable, "-m", "benchmarks.sink", str(around.sink_port), str(around.sink)),
        environment={"PATH": os.defpath, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
        directory=folder,
        is_ready=lambda: is_listening(around.sink_port),
    )
    with running(sink, folder):
        yield around
    database.execute(f"DROP DATABASE {name}")


def _fill(url: str) -> None:
    engine = build_engine_from_url(url)
    migrate(engine)
    now = datetime.now(UTC)
    SqlWorkspaceStore(engine).create_workspace(
        Workspace("ws_1", "w", now), User("ws_1", "usr_1", "a@example.org", "A", "owner", "0" * 64, now)
    )
    SqlApiKeyStore(engine).create_api_key(ApiKey("ws_1", KEY, "k", "standard", now, None))
    SqlDatasetStore(engine).create_dataset(Dataset("ws_1", "ds_1", "orders", "customer", _COLUMNS, now))
    engine.dispose()


def run(*, rounds: int, seconds: float) -> None:
    """Measure in turns, show the figures, and end with the line of ratios.

    Raises:
        MeasurementError: A call failed, or the sink holds another number of events than were acknowledged.
    """
    with tempfile.TemporaryDirectory() as temporary, surroundings(Path(temporary)) as around:
        port = free_port()
        with running(around.build_program(port), around.folder) as root:
            queue_url = f"http://127.0.0.1:{around.sink_port}/000000000000/records"
            environment = {"PATH": os.defpath, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", **client_environment(around.sink_port)}
            contestants: dict[str, Ours | Peer] = {f"ours_{batch}": Ours(port, root, batch) for batch in BATCHES}
            contestants |= {name: Peer(queue_url, environment, events) for name, events in PEER_CALLS.items()}
            figures = _run_rounds(contestants, Sunk(around.sink / "queues" / "records"), rounds=rounds, seconds=seconds)
    keep("ingestion", figures)
    _show(figures)


def _run_rounds(contestants: Mapping[str, Ours | Peer], sunk: Sunk, *, rounds: int, seconds: float) -> dict[str, list[Figure]]:
    figures: dict[str, list[Figure]] = {name: [] for name in contestants}
    for contestant in contestants.values():
        contestant.run(0.5)
        sunk.take_events()
    for number in range(rounds):
        for name, contestant in contestants.items():
            figure = contestant.run(seconds)
            held = sunk.take_events()
            if held != figure.events:
                raise MeasurementError(f"{name}: {figure.events} events were acknowledged, the sink holds {held}")
            figures[name].append(figure)
            say(f"round {number + 1}/{rounds} {name:<16} {figure.events_a_second:9.0f} events/s  cpu {figure.cpu_us_an_event:7.2f} us")
    return figures


def _show(figures: Mapping[str, Sequence[Figure]]) -> None:
    rows = [
        [name, _spread([each.events_a_second for each in found], "{:,.0f}"), _spread([each.cpu_us_an_event for each in found], "{:.2f}")]
        for name, found in figures.items()
    ]
    show_table("Ingestion with a durable answer", ["", "events/s", "CPU us an event"], rows)
    ratios = []
    for peer in PEER_CALLS:
        for batch in BATCHES:
            pairs = list(zip(figures[f"ours_{batch}"], figures[peer], strict=True))
            rate = _spread([ours.events_a_second / theirs.events_a_second for ours, theirs in pairs], "{:.1f}x")
            cpu = _spread([theirs.cpu_us_an_event / ours.cpu_us_an_event for ours, theirs in pairs], "1/{:.1f}")
            ratios.append(f"{peer}: batch{batch}={rate} cpu{batch}={cpu}")
    show_line("ingestion " + " ".join(ratios))


def _spread(values: Sequence[float], form: str) -> str:
    return f"{form.format(median(values))} [{form.format(min(values))}-{form.format(max(values))}]"


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="benchmarks.ingestion", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4, help="of each measurement")
    parser.add_argument("--peer", metavar="QUEUE_URL", help="be a process of the peer")
    parser.add_argument("--events", type=int, default=1, help="of one call of the peer")
    options = parser.parse_args()
    if options.peer:
        run_peer(options.peer, options.events, options.seconds)
    else:
        run(rounds=options.rounds, seconds=options.seconds)


if __name__ == "__main__":
    main()
