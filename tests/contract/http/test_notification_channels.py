"""Webhooks and mail settings are managed as the OpenAPI document says; secrets are shown once."""

from dataclasses import replace
from typing import cast

import pytest

from presage.adapters.memory.credential_store import MemoryCredentialStore
from presage.notifications.webhooks import MOST_ENDPOINTS
from tests.contract.http.test_backend import Service, openapi, service  # noqa: F401 - fixtures
from tests.fixtures.metadata_rows import NOW

URL = "https://hooks.example.com/in"


def test_a_webhooks_secret_is_shown_once(service: Service) -> None:  # noqa: F811
    created = service.post("/webhooks", {"url": URL, "events": ["build_model.*", "*.failed"]})
    path = f"/webhooks/{created['endpoint_id']}"

    secret = created.pop("secret")
    assert secret.startswith("whsec_")
    assert len(secret) > 40
    assert service.get(path) == created
    assert service.get("/webhooks") == {"items": [created], "next": None}
    rotated = service.post(f"{path}/rotate")
    assert rotated.pop("secret") != secret
    assert rotated["previous_secret_until"]
    assert service.get(path) == rotated
    assert service.post(f"{path}/rotate", {"overlap_hours": 0})["previous_secret_until"] is None
    assert service.refuse("POST", f"{path}/rotate", {"overlap_hours": 169}) == (400, "invalid_input", "$.overlap_hours")


def test_a_webhook_is_changed_disabled_enabled_and_forgotten(service: Service) -> None:  # noqa: F811
    path = f"/webhooks/{service.post('/webhooks', {'url': URL})['endpoint_id']}"

    changed = service.call("PUT", path, {"url": f"{URL}2", "events": ["*.quarantined"]}).get_json()
    disabled = service.post(f"{path}/disable")
    refused = service.refuse("POST", f"{path}/test")
    enabled = service.post(f"{path}/enable")

    assert (changed["url"], changed["events"]) == (f"{URL}2", ["*.quarantined"])
    assert (disabled["state"], disabled["reason"], enabled["state"], enabled["reason"]) == (
        "disabled",
        "Disabled by a user",
        "enabled",
        "",
    )
    assert refused[:2] == (409, "conflict")
    assert service.call("DELETE", path).status_code == 204
    assert service.refuse("GET", path)[:2] == (404, "not_found")
    credentials = cast("MemoryCredentialStore", service.ports.credentials)
    assert credentials.list_names(service.workspace_id) == []


def test_a_test_is_seen_among_the_deliveries_and_in_the_workspace(service: Service) -> None:  # noqa: F811
    path = f"/webhooks/{service.post('/webhooks', {'url': URL})['endpoint_id']}"
    sent = [service.post(f"{path}/test") for _ in range(3)]
    (due, *_) = service.ports.deliveries.list_due(now=NOW.replace(year=2100))
    service.ports.deliveries.record_attempt(replace(due, state="failed", last_status=503, message="Answered 503", ended_at=NOW))

    first = service.get(f"{path}/deliveries?limit=2")
    second = service.get(f"{path}/deliveries?limit=2&after={first['next']}")

    listed = [*first["items"], *second["items"]]
    assert {each["delivery_id"] for each in listed} == {each["delivery_id"] for each in sent}
    assert [(each["state"], each["last_status"]) for each in listed].count(("failed", 503)) == 1
    assert {each["event"] for each in service.get("/notifications")["items"]} == {"webhook.test"}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"url": "http://hooks.example.com/"}, "$.url"),
        ({"url": "https://169.254.169.254/latest"}, "$.url"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "$.url"),
        ({"url": "https://localhost:0/"}, "$.url"),
        ({"url": URL, "events": []}, "$.events"),
        ({"url": URL, "events": ["*.*", "import_file.exploded"]}, "$.events[1]"),
        ({"url": URL, "events": ["*"]}, "$.events[0]"),
        ({"url": URL, "secret": "mine"}, "$"),
    ],
)
def test_what_leads_nowhere_public_or_chooses_no_event_is_refused(service: Service, body: dict[str, object], path: str) -> None:  # noqa: F811
    assert service.refuse("POST", "/webhooks", body) == (400, "invalid_input", path)
    kept = f"/webhooks/{service.post('/webhooks', {'url': URL})['endpoint_id']}"
    assert service.refuse("PUT", kept, body) == (400, "invalid_input", path)
    assert service.get(kept)["url"] == URL


def test_webhooks_are_bounded(service: Service) -> None:  # noqa: F811
    for _ in range(MOST_ENDPOINTS):
        service.post("/webhooks", {"url": URL})
    assert service.refuse("POST", "/webhooks", {"url": URL})[:2] == (409, "conflict")


def test_mail_is_off_until_its_user_wants_it_at_the_address_of_the_account(service: Service) -> None:  # noqa: F811
    assert service.get("/mail-settings") == {"address": "ann@example.com", "enabled": False, "events": ["*.*"], "changed_at": None}
    assert service.refuse("PUT", "/mail-settings", {"enabled": True, "address": "eve@example.com"}) == (400, "invalid_input", "$")
    assert service.refuse("PUT", "/mail-settings", {"enabled": True, "events": ["nothing"]}) == (400, "invalid_input", "$.events[0]")

    changed = service.call("PUT", "/mail-settings", {"enabled": True, "events": ["*.failed"]}).get_json()

    assert service.get("/mail-settings") == changed
    assert (changed["enabled"], changed["events"]) == (True, ["*.failed"])
    assert service.get("/mail-settings/deliveries") == {"items": [], "next": None}
    (recipient,) = service.ports.mail_settings.list_recipients(service.workspace_id)
    assert recipient.email == "ann@example.com"
    service.token = service.post("/users", {"email": "bob@example.com", "name": "Bob"})["token"]
    assert service.get("/mail-settings")["enabled"] is False


def test_another_workspaces_webhooks_do_not_exist(service: Service) -> None:  # noqa: F811
    path = f"/webhooks/{service.post('/webhooks', {'url': URL})['endpoint_id']}"
    service.enter("Another")

    assert service.get("/webhooks")["items"] == []
    for method, each in (("GET", path), ("DELETE", path), ("GET", f"{path}/deliveries")):
        assert service.refuse(method, each)[:2] == (404, "not_found")
    assert service.refuse("PUT", path, {"url": URL})[:2] == (404, "not_found")
    for order in ("rotate", "enable", "disable", "test"):
        assert service.refuse("POST", f"{path}/{order}")[:2] == (404, "not_found")


def test_a_developer_sees_webhooks_and_manages_none(service: Service) -> None:  # noqa: F811
    created = service.post("/webhooks", {"url": URL})
    path, created = f"/webhooks/{created['endpoint_id']}", {name: value for name, value in created.items() if name != "secret"}
    service.token = service.post("/users", {"email": "bob@example.com", "name": "Bob", "role": "developer"})["token"]

    assert service.get(path) == created
    assert service.get("/webhooks")["items"] == [created]
    assert service.get(f"{path}/deliveries")["items"] == []
    for method, each, body in (("POST", "/webhooks", {"url": URL}), ("PUT", path, {"url": f"{URL}2"}), ("DELETE", path, None)):
        assert service.refuse(method, each, body)[:2] == (403, "forbidden")
    for order in ("rotate", "enable", "disable", "test"):
        assert service.refuse("POST", f"{path}/{order}")[:2] == (403, "forbidden")
    assert service.get(path) == created
