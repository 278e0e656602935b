"""Puts load on a server with wrk, and checks that what it answers is right while it does."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import msgspec

SCRIPT = Path(__file__).with_name("load.lua")
CONNECTIONS, THREADS = 8, 4
TIMEOUT_SECONDS = 20
LOADING_SECONDS = 180
"""A snapshot of ten million entities has 3 GB, which the service fetches and checks before it answers from them."""
SAMPLES_A_SECOND = 20


class MeasurementError(RuntimeError):
    """A server failed or answered wrongly: there is no figure to be had from it."""


class LoadReport(msgspec.Struct, frozen=True):
    """What wrk saw. It corrects latencies for coordinated omission at the mean interval of a connection."""

    requests: int
    microseconds: int
    bytes: int
    p50_us: int
    p90_us: int
    p95_us: int
    p99_us: int
    max_us: int
    not_2xx: int
    connect: int
    read: int
    write: int
    timeout: int
    limited: int = 0
    """Those among `not_2xx` that were answered 429, if they were counted."""

    @property
    def failures(self) -> int:
        """Requests without a good answer."""
        return self.not_2xx + self.connect + self.read + self.write + self.timeout

    @property
    def requests_a_second(self) -> float:
        """The throughput."""
        return self.requests / (self.microseconds / 1e6)


@dataclass(frozen=True, kw_only=True)
class Load:
    """Requests to send: the bodies of a file, one a line, in turn. Without a `rate`, as fast as answers come."""

    url: str
    bodies: Path
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float
    connections: int = CONNECTIONS
    rate: float | None = None
    ids: Path | None = None
    """Where the prediction ids of all good answers go: files of this name and a number."""
    counts_limited: bool = False


def start(load: Load) -> subprocess.Popen[bytes]:
    """Start the load in the background; `finish` gives its report."""
    program = shutil.which("wrk")
    if program is None:
        raise MeasurementError("wrk is not installed: apt-get install -y wrk")
    threads = min(THREADS, load.connections)
    options = [f"header:{name}={value}" for name, value in load.headers.items()]
    options += [] if load.rate is None else [f"rate={load.rate / threads}"]
    options += [] if load.ids is None else [f"ids={load.ids}"]
    options += ["limited=1"] if load.counts_limited else []
    command = [
        program,
        f"-t{threads}",
        f"-c{load.connections}",
        f"-d{load.seconds:.0f}s",
        f"--timeout={TIMEOUT_SECONDS}s",
        "-s",
        str(SCRIPT),
    ]
    return subprocess.Popen([*command, load.url, "--", str(load.bodies), *options], stdout=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> LoadReport:
    """Return what the load met, once it is over.

    Raises:
        MeasurementError: wrk failed.
    """
    output = process.communicate()[0]
    if process.returncode:
        raise MeasurementError(f"wrk ended with {process.returncode}")
    return msgspec.json.decode(output.splitlines()[-1], type=LoadReport)


Check = Callable[[int, bytes], None]
"""(number of the body, answer): raises `MeasurementError` unless the answer is right."""


class Sampler:
    """Asks like the load does, some times a second, and holds the answers against what they must be."""

    def __init__(self, load: Load, bodies: Sequence[bytes], check: Check) -> None:
        """Ask with `bodies`, numbered from 0, in turn."""
        self._load = load
        self._bodies = bodies
        self._check = check
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._fault: Exception | None = None
        self.requests = 0

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End; raises what was found wrong."""
        self._stopped.set()
        self._thread.join()
        if self._fault is not None:
            raise MeasurementError(f"{self._load.url} answers wrongly under load") from self._fault

    def _run(self) -> None:
        try:
            while not self._stopped.wait(1 / SAMPLES_A_SECOND):
                number = self.requests % len(self._bodies)
                self._check(number, ask(self._load, self._bodies[number]))
                self.requests += 1
        except (OSError, http.client.HTTPException, MeasurementError) as error:
            self._fault = error


def ask(load: Load, body: bytes) -> bytes:
    """Return the answer to one body.

    Raises:
        MeasurementError: The status is not 200.
    """
    url = urllib.parse.urlsplit(load.url)
    connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", url.path, body, {"content-type": "application/json", **load.headers})
        response = connection.getresponse()
        answer = response.read()
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise MeasurementError(f"{load.url} answered {response.status}: {answer[:300]!r}")
    return answer


def check_all(load: Load, bodies: Sequence[bytes], check: Check) -> None:
    """Return when every body is answered as it must be; a server that is still loading is given time.

    Raises:
        MeasurementError: An answer is wrong.
    """
    deadline = time.monotonic() + LOADING_SECONDS
    for number, body in enumerate(bodies):
        while True:
            try:
                check(number, ask(load, body))
                break
            except (OSError, MeasurementError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
