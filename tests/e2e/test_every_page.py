"""Every page of the dashboard in a browser: no fault of its scripts, nothing that axe-core calls serious, no wider than a phone."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from werkzeug.serving import make_server

from tests.contract.http.test_pages import list_all
from tests.fixtures.browser import DESKTOP, Watched, find_violations, run_browser
from tests.fixtures.furnished import Furnished
from tests.fixtures.pages.request import COOKIE

pytestmark = pytest.mark.e2e

PARTS = {
    "audit.export",
    "experiments.download_certificate",
    "experiments.show_results",
    "jobs.show_progress",
    "models.versions.download_card",
    "models.versions.show_plot",
    "predictions.show_outcome",
}
"""What is no page of its own: parts of pages, pictures and files."""


@pytest.fixture(scope="module")
def place() -> Furnished:
    return Furnished()


@pytest.fixture(scope="module")
def served(place: Furnished) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, place.client.application, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def page(place: Furnished) -> Iterator[Watched]:
    with run_browser() as browser:
        context = browser.new_context(viewport=DESKTOP, extra_http_headers={"cookie": f"{COOKIE}={place.tokens['owner']}"})
        yield Watched(context.new_page())


@pytest.mark.parametrize("endpoint", sorted({name for name, request in list_all(Furnished()).items() if request.method == "GET"} - PARTS))
def test_a_page_is_sound(place: Furnished, served: str, page: Watched, endpoint: str) -> None:
    page.faults.clear()
    answer = page.page.goto(served + list_all(place)[endpoint].path)

    assert answer is not None
    assert answer.ok
    page.page.wait_for_load_state("load")
    assert page.page.title().endswith("· Presage")
    assert page.page.locator("h1").count() == 1
    page.page.wait_for_function("[...document.querySelectorAll('.chart')].every((chart) => chart.querySelector('svg'))")
    page.look(endpoint)


def test_an_error_is_a_page_that_says_what_to_do(served: str, page: Watched) -> None:
    answer = page.page.goto(f"{served}/jobs/job_of_nobody")

    assert answer is not None
    assert answer.status == 404
    assert "Switch the workspace" in page.page.inner_text("main")
    page.look("error")


def test_what_is_not_accessible_is_noticed(page: Watched) -> None:
    page.page.goto("about:blank")
    page.page.set_content("<html lang=en><title>t</title><main><h1>t</h1><img src='data:,'><p style='color:#ccc'>pale</p></main>")

    assert {violation.partition(":")[0] for violation in find_violations(page.page)} >= {"image-alt", "color-contrast"}
