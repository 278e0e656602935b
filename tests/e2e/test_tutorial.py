"""Whoever follows docs/tutorial.md to the letter ends with an experiment that concluded, and a certificate that verifies."""

import json
from pathlib import Path
from typing import Any

import pytest

from demo.tutorial import PAGE, follow

pytestmark = pytest.mark.e2e

ORDERS = 5727


@pytest.mark.usefixtures("stack")
def test_the_tutorial_ends_with_a_proven_prediction() -> None:
    session: dict[str, Any] = follow(PAGE, left_out={"make up", "make down"})  # `make verify`, which is not left out, ends with 0

    certificate = json.loads(Path(".local/certificate.json").read_text())
    assert session["summary"].rows == session["rows"] == ORDERS
    assert session["answer"].model_version == 1
    assert session["logged"].prediction_id == session["answer"].prediction_id
    assert (session["again"].outcome, session["again"].differences) == ("same", [])
    assert certificate["experiment_id"] == session["experiment"].experiment_id
    assert certificate["conclusion"]["decision"].startswith("concluded_")
    assert certificate["looks"]
