"""The audit log of the workspace API: nothing is done that was not written down before, and no secret is."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from presage.adapters.memory.audit_log import MemoryAuditLog
from presage.errors import UnavailableError
from presage.tenancy.audit import AuditEntry, Head, verify_chain
from services.backend.authentication import OPERATOR_ENDPOINTS
from services.backend.pages.visiting import PROXIES
from services.backend.told import TOLD
from tests.fixtures.backend_ports import build_ports
from tests.fixtures.furnished import OPERATOR, Furnished, freeze
from tests.fixtures.pages.request import PageRequest

DOCUMENT = Path(__file__).parents[3] / "docs" / "audit.md"
ALIAS = re.compile(r"<any\(.*?\):alias>|<(?:int:)?(\w+)>")


class WatchedLog(MemoryAuditLog):
    """A log that does, before each entry after the first, what it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.before_ends: Callable[[], None] = lambda: None

    def append(self, workspace_id: str, build: Callable[[Head], AuditEntry]) -> AuditEntry:
        if build(Head()).outcome != "asked":
            self.before_ends()
        return super().append(workspace_id, build)


@pytest.fixture
def place() -> Furnished:
    return Furnished()


def read_new(place: Furnished, known: int) -> list[AuditEntry]:
    return place.read_audit()[known:]


def send(place: Furnished, method: str, path: str, **arguments: Any) -> TestResponse:  # noqa: ANN401 - of the test client
    headers = {"authorization": f"Bearer {place.tokens['owner']}", "x-request-id": "req-7"} | arguments.pop("headers", {})
    return place.client.open(f"/api/v1{path}", method=method, headers=headers, **arguments)


def list_rules(app: Flask) -> dict[str, tuple[str, str]]:
    """Return the method and path of each endpoint of the API that may change something in a workspace."""
    found = {}
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}:
            if rule.rule.startswith("/api/") and rule.endpoint not in OPERATOR_ENDPOINTS:
                found[rule.endpoint] = (method, ALIAS.sub(lambda match: f"{{{match[1] or 'alias'}}}", rule.rule))
    return found


def test_each_action_is_in_the_documentation_with_what_is_told_of_it(place: Furnished) -> None:
    rows = [line.strip("| ").split(" | ") for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    documented = {action.strip("`"): (call.strip("`"), told) for action, call, told in rows}
    rules = list_rules(place.client.application)

    assert TOLD.keys() == rules.keys() == documented.keys()
    for action, (method, path) in rules.items():
        assert documented[action] == (f"{method} {path}", ", ".join(f"`{name}`" for name in TOLD[action]) or "none"), action


def test_a_call_is_told_as_asked_and_as_ended(place: Furnished) -> None:
    known = len(place.read_audit())
    place.client.application.config[PROXIES] = 2
    body = {"email": "eve@example.com", "name": "Eve", "role": "admin"}

    answer = send(place, "POST", "/users", json=body, headers={"x-forwarded-for": "6.6.6.6, 203.0.113.7, 10.0.0.9"})

    asked, ended = read_new(place, known)
    shown = send(place, "GET", "/workspace").get_json()["user"]
    assert (asked.outcome, asked.action, asked.detail, asked.targets) == ("asked", "users.create", body, {})
    assert (asked.user_id, asked.email) == (shown["user_id"], shown["email"])
    assert (asked.request_id, asked.address) == ("req-7", "203.0.113.7")
    assert (ended.outcome, ended.status, ended.code, ended.refers_to) == ("done", 201, None, asked.sequence)
    assert answer.get_json()["token"] not in json.dumps([str(entry) for entry in place.read_audit()])


def test_what_it_was_done_to_and_what_it_made_are_told(place: Furnished) -> None:
    known = len(place.read_audit())
    user_id = send(place, "GET", "/users").get_json()["items"][0]["user_id"]

    made = send(place, "POST", "/api-keys", json={"name": "app", "scopes": ["predict"]})
    send(place, "PUT", f"/users/{user_id}/role", json={"role": "viewer", "odd": "x"})

    asked, ended, refused, its_end = read_new(place, known)
    assert asked.detail == {"name": "app", "scopes": ["predict"]}
    assert ended.detail == {"location": f"/api/v1/api-keys/{made.get_json()['api_key_id']}"}
    assert (refused.targets, refused.detail) == ({"user_id": user_id}, {"role": "viewer"})
    assert (its_end.outcome, its_end.status, its_end.code) == ("refused", 400, "invalid_input")


def test_no_operation_tells_a_secret(place: Furnished) -> None:
    secrets = [*place.tokens.values()]
    for operation in ("createUser", "createApiKey", "rotateApiKey", "createWebhook", "rotateWebhookSecret"):
        answer = place.call(operation, place.tokens["owner"]).get_json()
        secrets += [answer[name] for name in ("token", "key", "secret") if name in answer]
    send(place, "PUT", "/credentials/amplitude", json={"content": {"api_key": "hidden-1", "secret_key": "hidden-2"}})
    send(place, "PUT", "/credentials/amplitude", data="hidden-3", content_type="application/json")
    send(place, "POST", "/webhooks", json={"url": "https://hooks.example/hidden-4"})

    text = repr(place.read_audit())
    assert len(secrets) == len(place.tokens) + 5
    for secret in [*secrets, "hidden-"]:
        assert secret not in text


@pytest.mark.parametrize(
    ("path", "arguments", "status", "code"),
    [
        ("/users", {"data": "{", "content_type": "application/json"}, 400, "invalid_input"),
        ("/users", {"data": "[1]", "content_type": "application/json"}, 400, "invalid_input"),
        ("/users", {"data": "x" * 1_300_000, "content_type": "application/json"}, 413, "body_too_large"),
        ("/users", {"data": "email=eve", "content_type": "text/plain"}, 415, "unsupported_media_type"),
        ("/users", {"json": {}, "headers": {"content-encoding": "br"}}, 415, "unsupported_encoding"),
        ("/users", {"json": {"email": "viewer@example.com", "name": "x"}}, 409, "already_exists"),
        ("/jobs/job_none/cancel", {}, 404, "not_found"),
    ],
)  # fmt: skip
def test_refusals_are_told(place: Furnished, path: str, arguments: dict[str, Any], status: int, code: str) -> None:
    known = len(place.read_audit())

    assert send(place, "POST", path, **arguments).status_code == status

    asked, ended = read_new(place, known)
    assert (asked.outcome, ended.outcome, ended.status, ended.code) == ("asked", "refused", status, code)


def test_it_is_written_down_before_it_is_done(place: Furnished) -> None:
    before = freeze(place.ports)
    log = cast("MemoryAuditLog", place.ports.audit)
    log.is_down = True

    answer = send(place, "POST", "/users", json={"email": "eve@example.com", "name": "Eve"})

    log.is_down = False
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    assert freeze(place.ports) == before
    assert send(place, "GET", "/users").status_code == 200


@pytest.mark.parametrize("error", [UnavailableError("gone"), RuntimeError("odd")])
def test_what_was_done_stands_when_its_end_cannot_be_written(error: Exception) -> None:
    log = WatchedLog()
    place = Furnished(build_ports(audit=log))
    known = len(place.read_audit())

    def fail() -> None:
        raise error

    log.before_ends = fail
    answer = send(place, "POST", "/users", json={"email": "eve@example.com", "name": "Eve"})
    log.before_ends = lambda: None

    assert answer.status_code == 201
    assert [entry.outcome for entry in read_new(place, known)] == ["asked"]
    found = send(place, "GET", "/audit/verification").get_json()
    assert (found["is_sound"], found["unended"]) == (True, 1)


def test_an_unforeseen_failure_is_an_end(place: Furnished, monkeypatch: pytest.MonkeyPatch) -> None:
    known = len(place.read_audit())
    monkeypatch.delattr(type(place.ports.workspaces), "create_user")

    assert send(place, "POST", "/users", json={"email": "eve@example.com", "name": "Eve"}).status_code == 500

    assert [(entry.outcome, entry.status, entry.code) for entry in read_new(place, known)][1:] == [("failed", 500, "internal")]


def test_reading_strangers_the_operator_and_lost_ways_are_not_told(place: Furnished) -> None:
    before = place.read_audit()

    place.look()
    place.call("createWorkspace", OPERATOR)
    assert place.call("createUser", "wrong").status_code == 401
    assert send(place, "POST", "/nowhere").status_code == 404
    assert send(place, "DELETE", "/users").status_code == 405

    assert place.read_audit() == before


def test_pages_come_by_the_same_way(place: Furnished) -> None:
    known, job_id = len(place.read_audit()), place.requests["cancelJob"][1].split("/")[2]

    answer = PageRequest("POST", f"/jobs/{job_id}/cancel").send(place.client, place.tokens["owner"])
    refused = PageRequest("POST", f"/jobs/{job_id}/cancel").send(place.client, place.tokens["viewer"])

    assert (answer.status_code, refused.status_code) == (303, 403)
    assert [(entry.email, entry.action, entry.targets, entry.outcome, entry.status) for entry in read_new(place, known)] == [
        ("ann@example.com", "pages.jobs.cancel", {"job_id": job_id}, "asked", None),
        ("ann@example.com", "pages.jobs.cancel", {"job_id": job_id}, "done", 303),
        ("viewer@example.com", "pages.jobs.cancel", {"job_id": job_id}, "asked", None),
        ("viewer@example.com", "pages.jobs.cancel", {"job_id": job_id}, "refused", 403),
    ]


def test_what_a_page_s_form_tells_is_in_it_and_no_more(place: Furnished) -> None:
    known = len(place.read_audit())
    form = {"name": "app", "plan": "free", "kind": "secret", "scopes": "predict", "hidden": "x"}

    assert PageRequest("POST", "/keys/new", form=form).send(place.client, place.tokens["owner"]).status_code == 201

    asked, _ = read_new(place, known)
    assert (asked.action, asked.detail) == ("pages.keys.create", {"name": "app", "plan": "free", "kind": "secret", "scopes": "predict"})


def test_the_log_comes_in_pages_and_by_what_is_asked_for(place: Furnished) -> None:
    everything = [entry.sequence for entry in reversed(place.read_audit())]

    found, after = list[int](), ""
    while True:
        page = send(place, "GET", f"/audit?limit=7{after}").get_json()
        found += [entry["sequence"] for entry in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert found == everything

    keys = send(place, "GET", "/audit?action=api_keys.create").get_json()["items"]
    assert {entry["action"] for entry in keys} == {"api_keys.create"}
    assert len(keys) == 2
    me = keys[0]["user_id"]
    assert len(send(place, "GET", f"/audit?user_id={me}&limit=200").get_json()["items"]) == min(len(everything), 200)
    assert send(place, "GET", "/audit?user_id=usr_none").get_json()["items"] == []
    at = keys[0]["at"]
    assert [entry["at"] >= at for entry in send(place, "GET", f"/audit?since={at}&limit=200").get_json()["items"]].count(False) == 0
    assert keys[0]["sequence"] not in {entry["sequence"] for entry in send(place, "GET", f"/audit?until={at}").get_json()["items"]}


@pytest.mark.parametrize("query", ["since=yesterday", "until=2026-01-01T00:00:00", "after=x", "limit=0"])
def test_searches_that_make_no_sense_are_refused(place: Furnished, query: str) -> None:
    answer = send(place, "GET", f"/audit?{query}")

    assert (answer.status_code, answer.get_json()["path"]) == (400, f"?{query.partition('=')[0]}")


def test_the_export_can_be_verified_by_whoever_has_it(place: Furnished) -> None:
    answer = send(place, "GET", "/audit/export")
    assert answer.is_streamed
    lines = answer.data.splitlines()
    found = send(place, "GET", "/audit/verification").get_json()

    assert answer.mimetype == "application/x-ndjson"
    assert len(lines) == len(place.read_audit()) > 2
    verified = verify_chain(lines)
    assert verified.is_sound
    assert (verified.head.sequence, verified.head.sha256) == (found["head"]["sequence"], found["head"]["sha256"])
    assert not verify_chain([*lines[:1], *lines[2:]]).is_sound


def test_verification_names_the_place_that_is_broken(place: Furnished) -> None:
    chain = cast("MemoryAuditLog", place.ports.audit)._entries[place.workspace_id]  # noqa: SLF001 - no other way leads to a change
    del chain[3]

    found = send(place, "GET", "/audit/verification").get_json()

    assert not found["is_sound"]
    assert (found["head"]["sequence"], found["fault"]["line"], found["fault"]["kind"]) == (3, 4, "gap")


def test_an_empty_log_is_sound_and_exports_nothing(place: Furnished) -> None:
    token, _ = place.enter("Another")
    headers = {"authorization": f"Bearer {token}"}

    assert send(place, "GET", "/audit/export", headers=headers).data == b""
    assert send(place, "GET", "/audit/verification", headers=headers).get_json()["is_sound"]


def test_why_a_page_stopped_an_experiment_is_told(place: Furnished) -> None:
    known, path = len(place.read_audit()), place.requests["stopExperiment"][1]

    PageRequest("POST", path, form={"stop_reason": "a mistake"}).send(place.client, place.tokens["owner"])

    asked, _ = read_new(place, known)
    assert (asked.action, asked.detail) == ("pages.experiments.stop", {"stop_reason": "a mistake"})
