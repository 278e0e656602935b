"""One running stack for all journeys: started unless it runs already, and left as it was found."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest

from demo import cdnow, simulated
from demo.journey import Journey
from demo.products import ProductJourney
from demo.stack import ENDPOINTS, Stack, read_stack
from tests.fixtures.amplitude import Exports, Faults, build_server, end_at_this_hour
from tests.fixtures.synthesis import UNJUDGED

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Amplitude:
    """What the stack's worker asks in place of Amplitude."""

    exports: Exports
    url: str


def launcher(*words: str, **environment: str) -> None:
    own = {**os.environ, **UNJUDGED, **environment}  # noqa: TID251 - its own
    subprocess.run([sys.executable, "-m", "localstack", *words], cwd=ROOT, check=True, env=own)


@pytest.fixture(scope="session")
def amplitude() -> Iterator[Amplitude]:
    """An Amplitude whose project ends at this hour, with faults; its users have an event a day, so that all but the first have a past."""
    exports = Exports(end_at_this_hour(hours=240, events=60_000), Faults(drop_every=5, throttle_every=7, fail_every=0))
    server = build_server(exports)
    Thread(target=server.serve_forever, daemon=True).start()
    yield Amplitude(exports, f"http://127.0.0.1:{server.server_port}/api/2/export")
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def stack(amplitude: Amplitude) -> Iterator[Stack]:
    was_up = (ROOT / ENDPOINTS).exists()
    launcher("up", AMPLITUDE_URL=amplitude.url)
    yield read_stack(ROOT / ENDPOINTS)
    launcher("up" if was_up else "down")  # up as it was: no longer with that Amplitude


@pytest.fixture(scope="session")
def journey(stack: Stack) -> Journey:
    """The main job on CDNOW's tenth, run once; tests look at what it left."""
    journey = Journey(stack, cdnow.build_scenario("CDNOW_sample.txt"))
    journey.run()
    return journey


@pytest.fixture(scope="session")
def products(stack: Stack) -> dict[str, ProductJourney]:
    """Both simulated products, run at once; by name."""
    journeys = [ProductJourney(stack, product) for product in (simulated.MOVED, simulated.UNMOVED)]
    with ThreadPoolExecutor(len(journeys)) as threads:
        list(threads.map(Journey.run, journeys))
    return {journey.product.name: journey for journey in journeys}
