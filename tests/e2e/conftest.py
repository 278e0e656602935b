"""One running stack for all journeys: started unless it runs already, and left as it was found."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from demo import cdnow, simulated
from demo.journey import Journey
from demo.products import ProductJourney
from demo.stack import ENDPOINTS, Stack, read_stack
from tests.fixtures.synthesis import UNJUDGED

ROOT = Path(__file__).parents[2]


def launcher(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "localstack", *words], cwd=ROOT, check=True, env={**os.environ, **UNJUDGED})  # noqa: TID251 - its own


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    was_up = (ROOT / ENDPOINTS).exists()
    launcher("up")
    yield read_stack(ROOT / ENDPOINTS)
    if not was_up:
        launcher("down")


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
