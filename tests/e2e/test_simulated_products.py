"""Two products of 50,000 shoppers who act on what they are shown: what the platform concludes is compared with the truth."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from demo.clients import JsonObject
from demo.evidence import Evidence, wait_until
from demo.products import Exposure, ProductJourney
from demo.scenario import rfc3339
from demo.simulated import DEFAULT, KEEN_PAGES, MOST_PAGES, OFFERED, UNITS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]  # the first test runs both products

ROOT = Path(__file__).parents[2]
LOOKS = 8
WHOLE_DAYS = 7
ASKED_AGAIN = 100
OUT_OF_WINDOW_DAYS = 30

PRODUCTS = pytest.mark.parametrize("name", ["moved", "unmoved"])
MOVE_OUTCOME = """\
UPDATE outcomes SET event_timestamp = DATEADD(day, {days}, event_timestamp)
WHERE workspace_id = :workspace AND experiment_id = :experiment AND metric = 'bought' AND record_id = :record"""


def read_details(journey: ProductJourney) -> list[tuple[datetime, dict[str, Any]]]:
    """Return (as of, detail) of each look."""
    experiment = journey.backend.get(f"/api/v1/experiments/{journey.report.experiment_id}")
    looks = cast("list[dict[str, Any]]", experiment["looks"])
    return [(datetime.fromisoformat(look["as_of"]), look["detail"]) for look in looks]


def download_certificate(journey: ProductJourney, folder: Path) -> Path:
    path = folder / "certificate.json"
    path.write_text(json.dumps(journey.backend.get(f"/api/v1/experiments/{journey.report.experiment_id}/certificate")))
    return path


def verify(certificate: Path) -> subprocess.CompletedProcess[str]:
    launcher = [sys.executable, "-m", "localstack", "environment"]
    settings = subprocess.run(launcher, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    command = ["env", *settings, str(Path(sys.executable).with_name("presage")), "experiments", "verify", str(certificate)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def read_alias_moves(journey: ProductJourney) -> list[dict[str, Any]]:
    """Return the history of the production alias, newest first."""
    alias = journey.backend.get(f"/api/v1/models/{journey.report.model_id}/aliases/production")
    return cast("list[dict[str, Any]]", alias["history"])


def ask_again(journey: ProductJourney, variant: str) -> list[tuple[Exposure, JsonObject]]:
    """Return what shoppers of a variant are answered now."""
    chosen = [exposure for exposure in journey.exposures if exposure.variant == variant][:ASKED_AGAIN]
    entries = [exposure.shopper.build_entry() | {"timestamp": rfc3339(journey.scenario.looks[-1])} for exposure in chosen]
    return list(zip(chosen, journey.predict(entries), strict=True))


@contextmanager
def one_row_changed(journey: ProductJourney) -> Iterator[None]:
    """Move one purchase of the treatment out of its window, in the warehouse alone, and back."""
    buyer = next(exposure for exposure in journey.exposures if exposure.bought and exposure.variant == "treatment")
    report, evidence = journey.report, Evidence(journey.stack)
    keys = {
        "workspace": report.workspace_id,
        "experiment": report.experiment_id,
        "record": str(buyer.shopper.build_purchase()["record_id"]),
    }
    evidence.query(MOVE_OUTCOME.format(days=OUT_OF_WINDOW_DAYS), **keys)
    try:
        yield
    finally:
        evidence.query(MOVE_OUTCOME.format(days=-OUT_OF_WINDOW_DAYS), **keys)


@PRODUCTS
def test_every_shopper_is_in_the_log_and_in_the_warehouse(products: dict[str, ProductJourney], name: str) -> None:
    report, seen = products[name].report, products[name].exposures

    assert report.predictions_logged == report.predictions_asked >= UNITS + MOST_PAGES
    assert report.predictions_in_experiment == UNITS
    assert len({exposure.shopper.unit for exposure in seen}) == sum(report.assignments.values()) == UNITS
    assert report.assignments == {variant: sum(exposure.variant == variant for exposure in seen) for variant in ("control", "treatment")}


@PRODUCTS
def test_every_look_counts_exactly_what_shoppers_did(products: dict[str, ProductJourney], name: str) -> None:
    details = read_details(products[name])

    assert len(details) == LOOKS
    for as_of, detail in details:
        counted = detail["primary"]["counted"]
        found = {variant: (counted[variant]["units"], counted[variant]["conversions"]) for variant in ("control", "treatment")}
        assert found == products[name].count_closed(as_of), as_of
    spent = details[-1][1]["secondary"][0]["counted"]
    bought = products[name].count_closed(details[-1][0])
    assert {variant: spent[variant]["conversions"] for variant in bought} == {variant: buyers for variant, (_, buyers) in bought.items()}


@PRODUCTS
def test_the_interval_holds_the_true_effect(products: dict[str, ProductJourney], name: str) -> None:
    truth = cast("float", products[name].true_effect)

    for _, detail in read_details(products[name]):
        interval = detail["primary"]["running_interval"]
        assert interval is None or interval["lower"] <= truth <= interval["upper"]
    assert detail["primary"]["running_interval"] is not None
    assert (truth > 0) == (name == "moved")


def test_the_voucher_that_moves_is_shipped_and_the_other_is_not(products: dict[str, ProductJourney]) -> None:
    moved, unmoved = products["moved"].report, products["unmoved"].report

    assert moved.decision == "concluded_ship", moved.last_look
    assert unmoved.decision == "concluded_inconclusive", unmoved.last_look
    assert read_details(products["moved"])[-1][1]["exposures"]["whole_days"] >= WHOLE_DAYS


def test_shipping_moves_the_traffic_and_those_who_met_the_control_are_answered_by_the_model(products: dict[str, ProductJourney]) -> None:
    journey = products["moved"]

    wait_until(lambda: ask_again(journey, "control")[0][1]["variant"] == "none", "the experiment still assigns")
    newest, *earlier = read_alias_moves(journey)

    assert (newest["traffic"], newest["reason"]) == ("model", f"experiment {journey.report.experiment_id}: concluded_ship")
    assert len(earlier) == 1
    for exposure, result in ask_again(journey, "control"):
        assert result["answered_by"] == "model"
        assert result["prediction"] == (OFFERED if exposure.shopper.pages >= KEEN_PAGES else DEFAULT)


def test_without_a_conclusion_traffic_stays_what_the_build_made_it(products: dict[str, ProductJourney]) -> None:
    journey = products["unmoved"]

    wait_until(lambda: ask_again(journey, "treatment")[0][1]["variant"] == "none", "the experiment still assigns")
    (move,) = read_alias_moves(journey)

    assert (move["traffic"], move["version"]) == ("model", 1)
    assert "experiment" not in move["reason"]


@PRODUCTS
def test_the_certificate_is_verified_from_the_warehouse(products: dict[str, ProductJourney], name: str, tmp_path: Path) -> None:
    journey = products[name]

    verified = verify(download_certificate(journey, tmp_path))

    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert verified.stdout.startswith(f"verified: {journey.report.experiment_id}, {LOOKS} looks, {journey.report.decision}")


def test_one_changed_row_is_found_until_it_is_put_back(products: dict[str, ProductJourney], tmp_path: Path) -> None:
    certificate = download_certificate(products["moved"], tmp_path)

    with one_row_changed(products["moved"]):
        changed = verify(certificate)
    restored = verify(certificate)

    assert changed.returncode == 1, changed.stdout + changed.stderr
    assert "counted.treatment.conversions" in changed.stdout
    assert restored.returncode == 0, restored.stdout + restored.stderr
