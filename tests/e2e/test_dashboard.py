"""A product developer's way through the dashboard, in a browser: from signing up to a certificate, and what roles, expiry and stops do."""

from __future__ import annotations

import csv
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from playwright.sync_api import Browser, expect

from demo.cdnow import build_scenario, read_purchases
from demo.stack import Stack
from localstack.mails import read_mails
from presage_client import Client
from tests.fixtures.browser import DESKTOP, Watched, run_browser

pytestmark = pytest.mark.e2e

NEW_YEAR, DAY = datetime(1998, 1, 1, tzinfo=UTC), timedelta(days=1)
PASSWORD = "seven green bicycles"
ORDERS = 5727
LONG, JOB = 60_000, 400_000
"""Milliseconds: what a page may take to show what a function computes, and what a build takes on two busy cores."""


@dataclass
class Visit:
    """A browser of a person's own, at the stack's pages."""

    stack: Stack
    watched: Watched

    def go(self, path: str) -> None:
        self.watched.page.goto(self.stack.backend_url + path)

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            self.watched.page.locator(f"[name={name}]").first.fill(value)

    def press(self, name: str) -> None:
        self.watched.page.get_by_role("button", name=name, exact=True).first.click()

    def agree(self, name: str) -> None:
        """Press a button that asks first, and say yes."""
        self.press(name)
        with self.watched.page.expect_navigation():
            self.watched.page.locator("#ask button[value=yes]").click()

    def see(self, text: str | re.Pattern[str], *, within_ms: float = 10_000) -> None:
        expect(self.watched.page.locator("main")).to_contain_text(text, timeout=within_ms)

    def follow_mail(self, recipient: str) -> None:
        body = str(read_mails(self.stack.emulator_url, recipient)[-1]["BodyText"])
        found = re.search(r"https?://\S+", body)
        assert found is not None, body
        self.watched.page.goto(found[0])

    @property
    def path(self) -> str:
        return self.watched.page.url.removeprefix(self.stack.backend_url)


RUN = secrets.token_hex(4)
"""In addresses, so that a stack that is up can be walked again."""
ANN, VIC = (f"{name}-{RUN}@dashboard.example" for name in ("ann", "vic"))
OPERATOR = "operator@example.com"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with run_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def ann(browser: Browser, stack: Stack) -> Visit:
    """The owner of a new workspace, who has signed up by mail."""
    visit = Visit(stack, Watched(browser.new_context(viewport=DESKTOP, accept_downloads=True).new_page()))
    visit.go("/")
    assert visit.path.startswith("/log-in")
    visit.watched.page.get_by_role("link", name="Sign up").click()
    visit.fill(email=ANN)
    visit.press("Mail me the link")
    visit.see("Look into your mail")
    visit.follow_mail(ANN)
    visit.fill(name="Ann", workspace_name="Record shop", password=PASSWORD)
    visit.press("Make my account")
    visit.see("From data to a proven prediction")
    visit.watched.look("journey-1-signed-up")
    return visit


@pytest.fixture(scope="module")
def key(ann: Visit) -> str:
    ann.go("/keys/new")
    ann.fill(name="shop")
    ann.press("Make the key")
    value = ann.watched.page.locator("#value").inner_text()
    assert value.startswith("sk_")
    return value


@pytest.fixture(scope="module")
def dataset_path(ann: Visit, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The purchases of CDNOW's customers, uploaded by the browser."""
    ann.go("/datasets/new")
    ann.fill(name="orders", entity="customer")
    ann.press("Make the dataset")
    place = ann.path.removesuffix("/import")
    ann.watched.page.set_input_files("#file", write_orders(tmp_path_factory.mktemp("orders") / "orders.csv"))
    ann.fill(entity_column="customer", event_timestamp_column="bought_at", known_timestamp_column="exported_at")
    ann.press("Upload and import")
    ann.see("succeeded", within_ms=LONG)
    ann.watched.look("journey-2-imported")
    return place


def write_orders(path: Path) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["record_id", "customer", "bought_at", "exported_at", "spent"])
        for number, purchase in enumerate(read_purchases("CDNOW_sample.txt")):
            if purchase.at + DAY <= NEW_YEAR:
                exported = (purchase.at + DAY).isoformat()
                writer.writerow([f"order-{number}", purchase.customer, purchase.at.isoformat(), exported, purchase.spent])
    return path


@pytest.fixture(scope="module")
def model_path(ann: Visit, dataset_path: str) -> str:
    """A model that was made by the form and built."""
    assert dataset_path
    ann.go("/models/new?kind=classification&label=orders&observations=orders")
    ann.fill(name="buys-again", window_days="90", default="0")
    ann.press("Make the model")
    place = ann.path.removesuffix("/build")
    ann.fill(cutoff="1998-01-01T00:00")
    ann.press("Build")
    ann.watched.page.wait_for_load_state()
    ann.go("/jobs?kind=build_model")
    ann.watched.page.get_by_role("link", name="build model").first.click()
    ann.see("succeeded", within_ms=JOB)
    return place


def test_what_was_uploaded_is_shown_with_its_statistics_and_its_sample(ann: Visit, dataset_path: str) -> None:
    ann.go(dataset_path)
    ann.see(f"{ORDERS:,}", within_ms=LONG)
    ann.watched.page.wait_for_selector(".chart svg")
    ann.watched.look("journey-3-statistics")

    ann.go(f"{dataset_path}/sample")
    assert ann.watched.page.locator("tbody tr").count() == 50
    ann.watched.look("journey-4-sample")


def test_a_model_tells_its_metrics_beside_its_baseline(ann: Visit, model_path: str) -> None:
    ann.go(f"{model_path}/versions/1")
    ann.see(re.compile("[Bb]aseline"))
    ann.watched.look("journey-5-version")


def test_a_prediction_is_tried_listed_and_replayed(ann: Visit, model_path: str, key: str) -> None:
    ann.go("/try-it")
    ann.watched.page.get_by_role("link", name="buys-again").click()
    ann.watched.page.get_by_text("More", exact=True).click()
    ann.fill(id="0517", timestamp="1998-01-01T00:00:00Z", key=key)
    ann.press("Ask")
    ann.see("Logged as", within_ms=LONG)
    ann.watched.page.wait_for_selector("#answer .chart svg")
    assert key not in ann.watched.page.content()
    ann.watched.look("journey-6-tried")
    place = str(ann.watched.page.locator("#answer a[href^='/predictions/']").get_attribute("href"))

    wait_for_page(ann, place)
    ann.press("Replay")
    ann.see(re.compile("same"))
    ann.watched.look("journey-7-replayed")
    ann.go("/predictions?model=buys-again")
    ann.see("0517")
    assert model_path


def wait_for_page(visit: Visit, path: str) -> None:
    """Go to a page that is there within seconds."""
    for _ in range(60):
        answer = visit.watched.page.goto(visit.stack.backend_url + path)
        assert answer is not None
        if answer.ok:
            return
        visit.watched.page.wait_for_timeout(1000)
    raise AssertionError(path)


def test_an_experiment_concludes_itself_and_leaves_a_certificate(ann: Visit, model_path: str, key: str) -> None:
    assert model_path
    scenario = build_scenario("CDNOW_sample.txt")
    ann.go("/datasets/new")
    ann.fill(name="returns", entity="customer", columns="bought_again string")
    ann.press("Make the dataset")
    returns = ann.path.removesuffix("/import")
    metric = {"name": "right", "kind": "hit", "dataset": "returns", "item_column": "bought_again", "window_hours": 2160}
    gates = {"min_units_per_variant": len(scenario.visits) // 4}
    plan = {
        "name": "pays",
        "model": "buys-again",
        "primary": metric,
        "planned_units": len(scenario.visits),
        "max_days": 365,
        "gates": gates,
    }
    ann.go("/experiments/new/json")
    ann.fill(plan=json.dumps(plan))
    ann.press("Make the draft")
    ann.press("Start the experiment")
    ann.see("started")
    place = ann.path
    ann.watched.page.wait_for_timeout(15_000)  # a start is met by predictions within ten seconds

    with Client(public=(ann.stack.gateway_url, key)) as product:
        for first in range(0, len(scenario.visits), 100):
            asked = [{"id": visit.unit, "timestamp": visit.at.isoformat()} for visit in scenario.visits[first : first + 100]]
            product.public.predict(model="buys-again", features=asked)
        with product.record_writer("returns") as writer:
            for outcome in scenario.outcomes:
                customer, values = str(outcome.record["entity_id"]), cast("Mapping[str, str]", outcome.record["values"])
                writer.write(entity_id=customer, event_timestamp=outcome.at, values=values)
    ann.go(returns)
    ann.see(f"{len(scenario.outcomes):,}", within_ms=2 * LONG)

    ann.go(place)
    ann.press("Take a look now")
    ann.see("succeeded", within_ms=2 * LONG)
    ann.go(place)
    ann.see(re.compile("concluded|Concluded"))
    ann.watched.page.wait_for_selector(".chart svg")
    ann.watched.look("journey-8-concluded")
    with ann.watched.page.expect_download() as download:
        ann.watched.page.get_by_role("link", name="Download the certificate").first.click()
    certificate = json.loads(Path(download.value.path()).read_text())
    assert certificate["conclusion"]["decision"].startswith("concluded_")
    assert certificate["looks"]
    ann.go("/")
    ann.see("pays")
    ann.watched.look("journey-9-home")


def test_who_is_invited_as_a_viewer_looks_and_changes_nothing(ann: Visit, browser: Browser, dataset_path: str) -> None:
    ann.go("/workspace/members/invite")
    ann.fill(email=VIC)
    ann.press("Send the invitation")
    vic = Visit(ann.stack, Watched(browser.new_context(viewport=DESKTOP).new_page()))
    vic.follow_mail(VIC)
    vic.fill(name="Vic", password=PASSWORD)
    vic.press("Join")
    vic.go("/datasets")
    vic.see("orders")

    assert vic.watched.page.get_by_role("link", name="New dataset").count() == 0
    vic.go(f"{dataset_path}/sample")
    vic.see("rows.read")
    vic.go("/datasets/new")
    vic.see("data.write")
    vic.watched.look("journey-viewer-refused")


def test_a_session_that_was_ended_asks_to_log_in_and_comes_back(ann: Visit, browser: Browser) -> None:
    other = Visit(ann.stack, Watched(browser.new_context(viewport=DESKTOP).new_page()))
    other.go("/jobs?state=failed")
    other.fill(email=ANN, password=PASSWORD)
    other.press("Log in")
    assert other.path == "/jobs?state=failed"

    ann.go("/account")
    ann.agree("Log out everywhere else")
    other.go("/keys")

    assert other.path == "/log-in?next=/keys"


def test_a_job_is_cancelled_and_tried_again(ann: Visit, model_path: str) -> None:
    ann.go(f"{model_path}/build")
    ann.fill(cutoff="1997-12-01T00:00")
    ann.watched.page.locator("[name=alias]").first.select_option("staging")
    ann.press("Build")
    ann.go("/jobs?kind=build_model&sort=-created_at")
    ann.watched.page.get_by_role("link", name="build model").first.click()
    ann.agree("Cancel the job")
    ann.see("cancelled", within_ms=2 * LONG)
    ann.watched.look("journey-cancelled")

    ann.press("Try again")
    ann.see("Tries again")
    ann.agree("Cancel the job")
    ann.see("cancelled", within_ms=2 * LONG)


def test_the_operator_puts_dead_letters_back(browser: Browser, stack: Stack) -> None:
    eve = Visit(stack, Watched(browser.new_context(viewport=DESKTOP).new_page()))
    eve.go("/sign-up")
    eve.fill(email=OPERATOR)
    eve.press("Mail me the link")
    eve.follow_mail(OPERATOR)
    if eve.path.startswith("/sign-up/"):
        eve.fill(name="Eve", workspace_name="Operations", password=PASSWORD)
        eve.press("Make my account")
    else:  # a stack that was walked before, where who asks to sign up again is let in by a new password
        eve.fill(password=PASSWORD)
        eve.press("Change it and log in")
    eve.watched.page.get_by_role("link", name="Operations").click()
    eve.see("jobs")
    eve.watched.look("journey-operations")

    eve.agree("Put dead letters of jobs back")
    eve.see("dead letters are back on the jobs queue", within_ms=LONG)


def test_all_of_it_is_in_the_audit_log_whose_chain_is_sound(ann: Visit, model_path: str) -> None:
    assert model_path
    ann.go("/audit?action=pages.models.new.create")
    ann.see("buys-again")
    ann.watched.page.get_by_role("link", name="Verify the chain").click()
    ann.see("It is sound")
