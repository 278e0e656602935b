"""Every operation of the workspace API, called with every role and from another workspace: done, or refused and nothing changed."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from presage.tenancy.audit import AuditEntry
from presage.tenancy.permissions import GRANTS, PERMISSIONS, ROLES
from tests.fixtures.furnished import OF_THE_OPERATOR, OPERATOR, Furnished, freeze, is_success, read_code

DOCUMENT = Path(__file__).parents[3] / "docs" / "openapi" / "backend.yaml"
OPERATIONS: dict[str, dict[str, Any]] = {
    operation["operationId"]: {**operation, "path": path}
    for path, item in yaml.safe_load(DOCUMENT.read_text())["paths"].items()
    for operation in item.values()
}
NAMED_BY_THE_CALLER = {"/api/v1/credentials/{name}"}
LEAST_FIRST = ROLES[::-1]


@pytest.fixture
def place() -> Furnished:
    return Furnished()


def test_there_is_a_request_for_every_operation_and_a_permission_that_the_library_knows(place: Furnished) -> None:
    assert set(place.requests) == set(OPERATIONS)
    assert {each for each, operation in OPERATIONS.items() if operation.get("x-permission") not in PERMISSIONS} == OF_THE_OPERATOR


def test_each_role_may_do_all_that_the_one_below_it_may(place: Furnished) -> None:
    assert place.tokens.keys() == set(ROLES)
    for less, more in pairwise(LEAST_FIRST):
        assert GRANTS[less] < GRANTS[more]
    assert GRANTS["owner"] == set(PERMISSIONS)


def assert_told(added: Sequence[AuditEntry], role: str, *, is_read: bool) -> None:
    """A refused call that would have changed something is all that the audit log grew by; reading is not in it."""
    told = [(entry.email.partition("@")[0], entry.outcome, entry.status, entry.code) for entry in added]
    assert told == ([] if is_read else [(role, "asked", None, None), (role, "refused", 403, "forbidden")])


@pytest.mark.parametrize("operation", sorted(set(OPERATIONS) - OF_THE_OPERATOR))
def test_an_operation_is_for_the_roles_that_have_its_permission(place: Furnished, operation: str) -> None:
    permission = OPERATIONS[operation]["x-permission"]
    before = freeze(place.ports)
    refused = [role for role in LEAST_FIRST if permission not in GRANTS[role]]
    for role in refused:
        known = place.read_audit()
        answer = place.call(operation, place.tokens[role])
        assert (answer.status_code, read_code(answer)) == (403, "forbidden"), (role, answer.text)
        assert permission in answer.get_json()["detail"]
        assert freeze(place.ports) == before, role
        assert_told(place.read_audit()[len(known) :], role, is_read=place.requests[operation][0] == "GET")

    least, *others = (role for role in LEAST_FIRST if role not in refused)
    answer = place.call(operation, place.tokens[least])
    assert is_success(answer), (least, answer.text)
    if place.requests[operation][0] == "GET":
        assert freeze(place.ports) == before
    for role in others:
        assert place.call(operation, place.tokens[role]).status_code not in {401, 403}, role


@pytest.mark.parametrize("operation", sorted(set(OPERATIONS) - OF_THE_OPERATOR))
def test_the_owner_of_another_workspace_finds_nothing_and_changes_nothing(place: Furnished, operation: str) -> None:
    token, _ = place.enter("Another")
    path = OPERATIONS[operation]["path"]

    if "{" in path and path not in NAMED_BY_THE_CALLER:
        before = freeze(place.ports)
        answer = place.call(operation, token)
        assert (answer.status_code, read_code(answer)) == (404, "not_found"), answer.text
        assert freeze(place.ports) == before
        return
    seen = place.look()
    answer = place.call(operation, token)
    assert place.workspace_id not in answer.text
    assert place.look() == seen


@pytest.mark.parametrize("operation", sorted(OF_THE_OPERATOR))
def test_what_is_the_operators_is_nobody_elses(place: Furnished, operation: str) -> None:
    before = freeze(place.ports)
    for role in ROLES:
        assert place.call(operation, place.tokens[role]).status_code == 401
    assert freeze(place.ports) == before
    assert is_success(place.call(operation, OPERATOR))
