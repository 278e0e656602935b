"""Every page, asked for by every role, by another workspace, by nobody and by another site: done, or refused and nothing changed."""

import pytest

from presage.tenancy.permissions import GRANTS, ROLES
from tests.fixtures.furnished import Furnished, freeze
from tests.fixtures.pages import accounts, audit, datasets, experiments, keys, models, predictions, settings, sources
from tests.fixtures.pages.request import PageRequest

ROOMS = (audit, datasets, keys, settings, sources, accounts, models, experiments, predictions)
OF_THE_OPERATOR = {"operations.show_queues", "operations.redrive"}
"""Tested in test_operations_pages.py."""
OPEN = {
    "entrance.ask_for_account",
    "entrance.ask_for_password",
    "entrance.create_account",
    "entrance.log_in",
    "entrance.reset",
    "entrance.show_forgotten",
    "entrance.show_log_in",
    "entrance.show_new_account",
    "entrance.show_reset",
    "entrance.show_sign_up",
    "invitations.accept",
    "invitations.show_invitation",
    "static",
    "unknown",
}
"""Those of the entrance are tested by test_account_pages.py."""


def list_all(place: Furnished) -> dict[str, PageRequest]:
    return {endpoint: request for room in ROOMS for endpoint, request in room.list_requests(place).items()}


ENDPOINTS = sorted(list_all(Furnished()))


@pytest.fixture
def place() -> Furnished:
    return Furnished()


def test_there_is_a_request_for_every_page(place: Furnished) -> None:
    views = place.client.application.view_functions
    assert {name.removeprefix("pages.") for name in views if name.startswith("pages.")} - OPEN - OF_THE_OPERATOR == set(ENDPOINTS)


def test_what_is_open_to_all_is_the_entrance_and_nothing_else(place: Furnished) -> None:
    views = place.client.application.view_functions
    assert {name.removeprefix("pages.") for name, view in views.items() if getattr(view, "is_open_to_all", False)} == OPEN - {
        "static",
        "unknown",
    }


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_page_is_for_the_roles_that_have_its_permission(place: Furnished, endpoint: str) -> None:
    request = list_all(place)[endpoint]
    before = freeze(place.ports)
    refused = [role for role in ROLES if request.permission not in GRANTS[role]]
    for role in refused:
        answer = request.send(place.client, place.tokens[role])
        assert answer.status_code == 403, (role, answer.status_code)
        assert request.permission in answer.text
        assert freeze(place.ports) == before, role
    least, *others = (role for role in reversed(ROLES) if role not in refused)
    answer = request.send(place.client, place.tokens[least])
    assert answer.status_code in {200, 201, 303}, (least, answer.status_code, answer.text)
    if request.method == "GET":
        assert freeze(place.ports) == before
    for role in others:
        assert request.send(place.client, place.tokens[role]).status_code not in {401, 403}, role


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_the_owner_of_another_workspace_finds_nothing_and_changes_nothing(place: Furnished, endpoint: str) -> None:
    request = list_all(place)[endpoint]
    token, _ = place.enter("Another")
    seen, before = place.look(), freeze(place.ports)
    answer = request.send(place.client, token)
    assert place.workspace_id not in answer.text
    if request.own:
        assert place.look() == seen
        return
    assert answer.status_code == 404, answer.text
    assert freeze(place.ports) == before


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_who_is_not_logged_in_is_asked_to(place: Furnished, endpoint: str) -> None:
    before, request = freeze(place.ports), list_all(place)[endpoint]
    answer = request.send(place.client, "nobody's")
    assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/log-in")
    assert freeze(place.ports) == before


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://a.example"}, {}]
)
@pytest.mark.parametrize("endpoint", [name for name, request in list_all(Furnished()).items() if request.method != "GET"])
def test_another_site_s_form_does_nothing(place: Furnished, endpoint: str, headers: dict[str, str]) -> None:
    request = list_all(place)[endpoint]
    before = freeze(place.ports)
    bearer = {"authorization": f"Bearer {place.tokens['owner']}"}
    answer = place.client.open(request.path, method=request.method, data=request.form, headers=headers | bearer)
    assert answer.status_code == 403
    assert freeze(place.ports) == before


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_page_runs_nothing_that_is_not_its_own(place: Furnished, endpoint: str) -> None:
    request = list_all(place)[endpoint]
    answer = request.send(place.client, place.tokens["owner"])
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "style=" not in answer.text
    assert "onclick" not in answer.text
