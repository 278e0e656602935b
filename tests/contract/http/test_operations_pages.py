"""The operations pages: for the operator's account alone, in whatever role; and the audit log's."""

from __future__ import annotations

from typing import cast

import pytest

from presage.adapters.memory.queue_inspector import MemoryQueueInspector
from presage.tenancy.audit import verify_chain
from presage.tenancy.model import Role
from presage.tenancy.permissions import ROLES
from presage.tenancy.tokens import hash_token
from services.backend.pages.operations import OPERATOR
from tests.fixtures.furnished import Furnished, freeze
from tests.fixtures.pages.request import PageRequest, read


@pytest.fixture
def place() -> Furnished:
    return Furnished()


def let_operate(place: Furnished, role: Role) -> None:
    user = place.ports.workspaces.find_user_by_token(hash_token(place.tokens[role]))
    assert user is not None
    place.client.application.config[OPERATOR] = f"{user.user_id}@EXAMPLE.com"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("request_", [PageRequest("GET", "/operations"), PageRequest("POST", "/operations/redrive")])
def test_nobody_but_the_operator_sees_or_moves_anything(place: Furnished, role: Role, request_: PageRequest) -> None:
    before = freeze(place.ports)

    answer = request_.send(place.client, place.tokens[role])

    assert answer.status_code == 403
    assert freeze(place.ports) == before
    assert "/operations" not in place.client.get("/").text


def test_the_operator_sees_the_queues_and_puts_dead_letters_back(place: Furnished) -> None:
    let_operate(place, "viewer")
    queues = cast("MemoryQueueInspector", place.ports.queues)
    queues.queues["jobs"].dead_letters = ["a", "b", "c"]

    page = read(place.client, "/operations", place.tokens["viewer"])
    moved = PageRequest("POST", "/operations/redrive").send(place.client, place.tokens["viewer"])

    assert '<span class="badge bad">3</span>' in page
    assert moved.status_code == 303
    assert "3 dead letters are back" in read(place.client, "/operations", place.tokens["viewer"])
    assert (queues.queues["jobs"].dead_letters, len(queues.queues["jobs"].waiting)) == ([], 3)


def test_the_audit_log_is_shown_narrowed_downloaded_and_verified(place: Furnished) -> None:
    owner = place.tokens["owner"]
    page = read(place.client, "/audit?action=users.create", owner)
    export = PageRequest("GET", "/audit/export").send(place.client, owner)

    assert "users.create" in page
    assert "datasets.create" not in page
    assert verify_chain(export.data.splitlines()).is_sound
    assert export.headers["content-disposition"].startswith("attachment")
    assert "It is sound" in read(place.client, "/audit/verification", owner)
    assert "Next page" in read(place.client, "/audit?limit=1", owner)
