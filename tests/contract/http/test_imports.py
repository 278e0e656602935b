"""Imports are started, and credentials kept, as the OpenAPI document says."""

from datetime import UTC, datetime, timedelta

import pytest

from presage.errors import NotFoundError
from tests.contract.http.test_backend import Service, openapi, service  # noqa: F401 - fixtures

BODY = {
    "credential": "amplitude",
    "start": "2026-01-01T00:00:00Z",
    "until": "2026-01-02T00:00:00Z",
    "region": "eu",
    "event_types": ["purchase"],
    "columns": {"spent": "event_properties.price"},
}
WAREHOUSE = {
    "credential": "shop",
    "kind": "postgresql",
    "table": "public.orders",
    "cursor_column": "id",
    "key_column": "id",
    "entity_column": "customer",
    "event_timestamp_column": "bought_at",
    "since": 5,
}


def test_an_import_from_amplitude_is_a_job_of_what_was_asked(service: Service) -> None:  # noqa: F811
    path = f"/datasets/{service.create_dataset()}/amplitude-imports"

    job = service.post(path, BODY)
    least = service.post(path, {"credential": "amplitude", "start": "2026-01-01T00:00:00+01:00"})

    assert (job["kind"], job["state"]) == ("import_amplitude", "queued")
    assert job["arguments"] == BODY | {"dataset_id": path.split("/")[2], "entity": "user_id"}
    assert (least["arguments"]["until"], least["arguments"]["region"]) == (None, "us")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"credential": "Not A Name"}, "$.name"),
        ({"start": "2026-01-01T00:30:00Z"}, "$.start"),
        ({"start": "2026-01-01T00:00:00"}, "$.start"),
        ({"until": "2025-12-31T00:00:00Z"}, "$.until"),
        ({"until": f"{datetime.now(UTC) + timedelta(hours=2):%Y-%m-%dT%H:00:00Z}"}, "$.until"),
        ({"region": "mars"}, "$.region"),
        ({"entity": "session_id"}, "$.entity"),
        ({"columns": {"colour": "country"}}, "$.columns"),
        ({"secret_key": "s"}, "$"),
    ],
)
def test_an_import_that_cannot_be_is_refused_before_there_is_a_job(service: Service, changes: dict[str, object], path: str) -> None:  # noqa: F811
    place = f"/datasets/{service.create_dataset()}/amplitude-imports"
    assert service.refuse("POST", place, BODY | changes) == (400, "invalid_input" if "columns" not in changes else "unknown_column", path)
    assert service.get("/jobs")["items"] == []


def test_an_import_from_a_warehouse_is_a_job_of_what_was_asked(service: Service) -> None:  # noqa: F811
    path = f"/datasets/{service.create_dataset()}/warehouse-imports"
    more = {
        "query": "SELECT 1",
        "table": None,
        "columns": {"spent": "price", "shop": None},
        "rows": "states",
        "since": "2026-01-01T00:00:00Z",
    }

    job = service.post(path, WAREHOUSE)
    other = service.post(path, WAREHOUSE | more)

    left_out: dict[str, object] = {
        "known_timestamp_column": None,
        "query": None,
        "columns": {},
        "rows": "events",
        "since": 5,
        "until": None,
    }
    assert (job["kind"], job["state"]) == ("import_warehouse", "queued")
    assert job["arguments"] == WAREHOUSE | left_out | {"dataset_id": path.split("/")[2]}
    assert other["arguments"] == job["arguments"] | more


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"credential": "Not A Name"}, "$.name"),
        ({"kind": "oracle"}, "$.kind"),
        ({"query": "SELECT 1"}, "$.table"),
        ({"table": None}, "$.table"),
        ({"cursor_column": ""}, "$.cursor_column"),
        ({"rows": "all"}, "$.rows"),
        ({"since": "2026-01-01T00:00:00"}, "$.since"),
        ({"until": 5}, "$.until"),
        ({"password": "s"}, "$"),
    ],
)
def test_rows_that_cannot_be_read_are_refused_before_there_is_a_job(service: Service, changes: dict[str, object], path: str) -> None:  # noqa: F811
    place = f"/datasets/{service.create_dataset()}/warehouse-imports"
    assert service.refuse("POST", place, WAREHOUSE | changes) == (400, "invalid_input", path)
    assert service.get("/jobs")["items"] == []


def test_an_import_needs_a_dataset_of_the_workspace(service: Service) -> None:  # noqa: F811
    assert service.refuse("POST", "/datasets/ds_1/warehouse-imports", WAREHOUSE)[:2] == (404, "not_found")
    assert service.refuse("POST", "/datasets/ds_1/amplitude-imports", BODY)[:2] == (404, "not_found")


def test_a_credential_is_kept_for_its_workspace_and_never_shown(service: Service) -> None:  # noqa: F811
    store = service.ports.credentials
    assert service.call("PUT", "/credentials/amplitude", {"content": {"api_key": "a", "secret_key": "hidden"}}).status_code == 204
    assert store.get_credential(service.workspace_id, "amplitude") == {"api_key": "a", "secret_key": "hidden"}
    assert "get" not in service.openapi.document["paths"]["/api/v1/credentials/{name}"]
    for _ in range(2):
        assert service.call("DELETE", "/credentials/amplitude").status_code == 204
    with pytest.raises(NotFoundError):
        store.get_credential(service.workspace_id, "amplitude")


@pytest.mark.parametrize(
    ("name", "content", "path"),
    [("A", {"k": "v"}, "$.name"), ("a", {}, "$.content"), ("a", {"k": "v" * 20_000}, "$.content"), ("a", {"k": 1}, "$.content")],
)
def test_a_credential_that_cannot_be_kept_is_refused_without_telling_it(
    service: Service,  # noqa: F811
    name: str,
    content: dict[str, object],
    path: str,
) -> None:
    status, code, place = service.refuse("PUT", f"/credentials/{name}", {"content": content})
    assert (status, code) == (400, "invalid_input")
    assert place is not None
    assert place.startswith(path)
