"""Constant load on a stage's public address, and what became of every request."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.integration.containers.platform import BODY, Stage

THREADS = 15


@dataclass(frozen=True)
class Call:
    """One request: when it was sent (monotonic seconds) and the status, 0 without an answer."""

    sent: float
    status: int


@dataclass
class Load:
    """What was sent so far."""

    calls: list[Call] = field(default_factory=list)

    def failed(self, *, since: float = 0.0) -> list[Call]:
        """Return the calls sent since then that were not answered with 200."""
        return [call for call in self.calls if call.status != http.HTTPStatus.OK and call.sent >= since]

    @property
    def per_second(self) -> float:
        """The rate really reached."""
        times = [call.sent for call in self.calls]
        return (len(times) - 1) / (max(times) - min(times))


@contextmanager
def constant_load(stage: Stage, port: int, *, per_second: float) -> Iterator[Load]:
    """Send predictions at a rate from threads of their own, each keeping its schedule, until the context ends."""
    load, stop = Load(), threading.Event()
    pause = THREADS / per_second

    def run(number: int) -> None:
        due = time.monotonic() + pause * number / THREADS
        while not stop.is_set():
            time.sleep(max(0.0, due - time.monotonic()))
            due += pause
            load.calls.append(call(stage, port))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def call(stage: Stage, port: int) -> Call:
    sent = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", stage.path, BODY, {"content-type": "application/json", "x-api-key": stage.key})
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException):
        return Call(sent, 0)
    else:
        return Call(sent, response.status)
    finally:
        connection.close()
