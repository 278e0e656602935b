"""One running stack for all journeys: started unless it runs already, and left as it was found."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import cdnow
from demo.journey import Journey
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
