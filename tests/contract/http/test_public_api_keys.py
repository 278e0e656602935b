"""Idempotency keys, kinds of API keys and web origins keep the contract, with and without the short way of predictions."""

import gzip
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from presage.features.messages import BatchMessage
from presage.tenancy.keyed_call import LEASE, Answer, Claim
from presage.tenancy.model import Caller, Scope
from presage.tenancy.rate_limit import RateLimit
from services.public_api.routes.openapi import DOCUMENT
from tests.contract.http.test_public_api import KEY, RECORD, Service
from tests.fixtures.openapi import OpenApi
from tests.fixtures.serving import CLASSIFICATION, NOW, WORKSPACE, build_world

SHOP, OTHER = "https://shop.example.com", "https://other.example.com"
PUBLISHABLE = {"x-presage-api-key-id": "pub"}
PREDICT, RECORDS = "/v1/predict", "/v1/datasets/orders/records"
READ = "/v1/predictions/00000000-0000-0000-0000-000000000001"
ASKED = {"model": "m", "features": [{"id": "c1"}]}
SENT = {"records": [RECORD]}


@pytest.fixture(scope="module")
def openapi() -> OpenApi:
    return OpenApi.read(DOCUMENT)


@pytest.fixture(params=[True, False], ids=["front", "flask"])
def service(tmp_path: Path, openapi: OpenApi, request: pytest.FixtureRequest) -> Iterator[Service]:
    world = build_world(tmp_path)
    model = world.add_model("m", CLASSIFICATION, "0")
    world.deploy(model, world.add_version(model, 1, weights=(0.5, 0.01, -0.1)))
    world.catalog.callers["pub"] = Caller("pub", WORKSPACE, "standard", "publishable", (SHOP,))
    world.catalog.callers["app"] = Caller("app", WORKSPACE, "standard", "publishable")
    world.catalog.callers["neighbour"] = Caller("neighbour", "ws_2", "standard")
    service = Service(world, openapi, front=request.param)
    yield service
    if service.worker is not None:
        service.worker.stop()


def post(service: Service, path: str = PREDICT, key: str | None = "k1", *, body: Any = None, **headers: str) -> TestResponse:  # noqa: ANN401 - JSON
    given = {
        **KEY,
        **({} if key is None else {"idempotency-key": key}),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return service.call("POST", path, headers=given, json=body or (ASKED if path == PREDICT else SENT))


def read(answer: TestResponse) -> tuple[int, bytes, str, str | None]:
    return answer.status_code, answer.data, str(answer.content_type), answer.headers.get("idempotency-replayed")


@pytest.mark.parametrize(("path", "status"), [(PREDICT, 200), (RECORDS, 202)])
def test_a_call_sent_again_is_executed_once_and_answered_as_before(service: Service, path: str, status: int) -> None:
    first, again = post(service, path), post(service, path, x_request_id="another-id")
    assert read(first) == (status, first.data, "application/json", None)
    assert read(again) == (status, first.data, "application/json", "true")
    assert again.headers["x-request-id"] == "another-id"
    assert "ratelimit-remaining" in again.headers
    assert len(service.world.journal.calls) + len(service.records.batches) == 1


def test_without_a_key_every_call_is_executed_and_the_store_is_not_asked(service: Service) -> None:
    service.answers.down = True
    assert [post(service, path, None).status_code for path in (PREDICT, PREDICT, RECORDS)] == [200, 200, 202]
    assert len(service.world.journal.calls) == 2


def test_a_key_counts_for_its_workspace_and_path_only(service: Service) -> None:
    assert [post(service).status_code, post(service, RECORDS).status_code] == [200, 202]
    assert post(service, RECORDS.replace("orders", "others")).status_code == 404
    foreign = post(service, x_presage_api_key_id="neighbour")
    assert (foreign.status_code, foreign.get_json()["code"]) == (404, "not_found")
    assert post(service, key="k2").headers.get("idempotency-replayed") is None


@pytest.mark.parametrize("path", [PREDICT, RECORDS])
def test_a_key_with_another_body_is_an_error(service: Service, path: str) -> None:
    first = post(service, path)
    other = {"model": "m", "features": [{"id": "c2"}]} if path == PREDICT else {"records": [RECORD | {"record_id": "r9"}]}
    answer = post(service, path, body=other)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "idempotency_key_reused")
    assert read(post(service, path))[1:] == (first.data, "application/json", "true")


def test_an_encoding_is_a_parameter(service: Service) -> None:
    packed = gzip.compress(json.dumps(SENT).encode())
    headers = KEY | {"idempotency-key": "k1", "content-encoding": "gzip"}
    assert service.call("POST", RECORDS, headers=headers, data=packed, content_type="application/json").status_code == 202
    del headers["content-encoding"]
    answer = service.call("POST", RECORDS, headers=headers, data=packed, content_type="application/json")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("key", ["", "two words", "x" * 256])
@pytest.mark.parametrize("path", [PREDICT, RECORDS])
def test_a_malformed_key_is_refused(service: Service, path: str, key: str) -> None:
    answer = post(service, path, key)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_idempotency_key")
    assert service.world.journal.calls == []
    assert service.records.batches == []


def test_what_was_refused_may_be_sent_again_mended_under_its_key(service: Service) -> None:
    assert post(service, body={"model": "new", "features": [{"id": "c1"}]}).status_code == 404
    assert post(service, body={"model": 1, "features": [{"id": "c1"}]}).status_code == 400
    service.world.journal.room = False
    assert post(service).status_code == 503
    service.world.journal.room = True
    assert read(post(service))[::3] == (200, None)
    assert post(service, RECORDS, body={"records": [{"entity_id": 1}]}).status_code == 422
    assert read(post(service, RECORDS))[::3] == (202, None)


def test_what_the_rate_limit_refused_has_no_answer_kept(service: Service) -> None:
    service.limits["standard"] = RateLimit(0.001, 1)
    assert [post(service, key=key).status_code for key in ("k1", "k2")] == [200, 429]
    service.world.catalog.callers["another"] = Caller("another", WORKSPACE, "free")
    answers = [post(service, key=key, x_presage_api_key_id="another") for key in ("k2", "k1")]
    assert [read(answer)[::3] for answer in answers] == [(200, None), (200, "true")]


def test_without_the_store_a_call_with_a_key_is_not_executed(service: Service) -> None:
    service.answers.down = True
    for path in (PREDICT, RECORDS):
        answer = post(service, path)
        assert (answer.status_code, answer.get_json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "2")
    assert service.world.journal.calls == []
    assert service.records.batches == []


def test_a_call_under_way_is_a_conflict_that_says_when_to_come_back(service: Service) -> None:
    published, may_go_on = threading.Event(), threading.Event()
    publish = service.records.publish_batch

    def wait(message: BatchMessage) -> None:
        published.set()
        assert may_go_on.wait(20)
        publish(message)

    service.records.publish_batch = wait  # type: ignore[method-assign]
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, service, RECORDS)
        assert published.wait(20)
        answer = post(service, RECORDS)
        may_go_on.set()
        assert first.result().status_code == 202
    assert (answer.status_code, answer.get_json()["code"], answer.headers["retry-after"]) == (409, "call_in_flight", "1")
    assert read(post(service, RECORDS))[::3] == (202, "true")


def test_an_answer_is_kept_after_the_journal_has_it_and_before_it_is_given(service: Service) -> None:
    at_keep: list[int] = []
    keep = service.answers.keep

    def note(claim: Claim, answer: Answer) -> None:
        at_keep.append(len(service.world.journal.calls))
        keep(claim, answer)

    service.answers.keep = note  # type: ignore[method-assign]
    assert post(service).status_code == 200
    assert at_keep == [1]


def test_a_call_whose_process_ended_is_executed_again_when_its_lease_ended(service: Service) -> None:
    service.answers.keep = lambda *_: None  # type: ignore[method-assign]
    assert post(service).status_code == 200
    assert post(service).status_code == 409
    service.now = NOW + LEASE
    assert read(post(service))[::3] == (200, None)


def test_a_publishable_key_predicts_and_sends_records_and_reads_nothing(service: Service) -> None:
    (result,) = service.call("POST", PREDICT, headers=PUBLISHABLE, json=ASKED).get_json()["results"]
    assert service.call("POST", RECORDS, headers=PUBLISHABLE, json=SENT).status_code == 202
    service.world.ship()
    path = f"/v1/predictions/{result['prediction_id']}"
    assert service.call("GET", path).status_code == 200
    for answer in (
        service.call("GET", path, headers=PUBLISHABLE),
        service.call("POST", PREDICT, headers=PUBLISHABLE, json=ASKED | {"include_features": True}),
        service.call("POST", PREDICT, headers=PUBLISHABLE, json=ASKED | {"explain": True}),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (403, "secret_key_required")
    assert len(service.world.log.entries) == 1


def test_a_publishable_key_is_not_given_a_secret_keys_answer(service: Service) -> None:
    body = ASKED | {"include_features": True}
    assert "features" in post(service, body=body).get_json()["results"][0]
    answer = post(service, body=body, x_presage_api_key_id="pub")
    assert answer.status_code in {403, 422}
    assert b"orders__" not in answer.data


@pytest.mark.parametrize("path", [PREDICT, RECORDS])
def test_a_page_of_the_keys_origin_may_read_the_answer_good_or_bad(service: Service, path: str) -> None:
    for body in (None, {"nonsense": 1}):
        answer = post(service, path, None, body=body, x_presage_api_key_id="pub", origin=SHOP)
        assert answer.status_code in {200, 202, 400}
        assert (answer.headers["access-control-allow-origin"], answer.headers["vary"]) == (SHOP, "origin")
        assert "ratelimit-remaining" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", [PREDICT, RECORDS])
@pytest.mark.parametrize(("key_id", "origin"), [("pub", OTHER), ("pub", "null"), ("pub", SHOP + ":8443"), ("app", SHOP)])
def test_a_page_of_another_origin_may_not_use_the_key(service: Service, path: str, key_id: str, origin: str) -> None:
    answer = post(service, path, None, x_presage_api_key_id=key_id, origin=origin)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "origin_not_allowed")
    assert "access-control-allow-origin" not in answer.headers
    assert service.world.journal.calls == []
    assert service.records.batches == []


def list_cors_headers(answer: TestResponse) -> list[str]:
    return [name for name in answer.headers.keys() if name.lower().startswith("access-control-") or name.lower() == "vary"]  # noqa: SIM118 - werkzeug's headers iterate over pairs


def test_without_origins_there_is_no_cors_header(service: Service) -> None:
    answers = [post(service, origin=SHOP), post(service, RECORDS, origin=SHOP), post(service, x_presage_api_key_id="app")]
    assert [answer.status_code for answer in answers] == [200, 202, 422]
    del service.world.catalog.callers["pub"]
    answers += [service.call("OPTIONS", path, headers={"origin": SHOP}) for path in (PREDICT, RECORDS)]
    assert [answer.status_code for answer in answers[3:]] == [403, 403]
    assert [list_cors_headers(answer) for answer in answers] == [[]] * 5


@pytest.mark.parametrize("path", [PREDICT, RECORDS])
def test_a_browser_is_told_before_it_calls(service: Service, path: str) -> None:
    allowed = service.call("OPTIONS", path, headers={"origin": SHOP, "access-control-request-method": "POST"})
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == SHOP
    assert set(allowed.headers["access-control-allow-headers"].split(", ")) >= {"x-api-key", "content-type", "idempotency-key"}
    assert "access-control-allow-credentials" not in allowed.headers
    for origin in (OTHER, "null", "*", ""):
        refused = service.call("OPTIONS", path, headers={"origin": origin})
        assert (refused.status_code, refused.get_json()["code"]) == (403, "origin_not_allowed")
        assert list_cors_headers(refused) == []


def test_only_the_two_calls_of_browsers_are_asked_for(service: Service) -> None:
    path = "/v1/predictions/5f0c1c4e-5b7e-4c84-9d33-7d2cf0d4d2a1"
    assert service.client.open(path, method="OPTIONS", headers={"origin": SHOP}).status_code == 401


def test_a_key_that_expired_opens_nothing_from_that_moment_on(service: Service) -> None:
    service.world.catalog.callers["short"] = Caller("short", WORKSPACE, "standard", expires_at=NOW + timedelta(seconds=60))
    headers = {"x-presage-api-key-id": "short"}
    service.now = NOW + timedelta(seconds=59)
    assert [post(service, path, "k1", **headers).status_code for path in (PREDICT, RECORDS)] == [200, 202]

    service.now = NOW + timedelta(seconds=60)

    for answer in (*(post(service, path, "k1", **headers) for path in (PREDICT, RECORDS)), service.call("GET", READ, headers=headers)):
        assert (answer.status_code, answer.get_json()["code"]) == (403, "key_expired")
    assert len(service.world.journal.calls) + len(service.records.batches) == 2


@pytest.mark.parametrize("scope", ["predict", "records.write", "predictions.read"])
def test_a_key_does_what_it_was_made_for_and_nothing_else(service: Service, scope: Scope) -> None:
    service.world.catalog.callers["narrow"] = Caller("narrow", WORKSPACE, "standard", scopes=(scope,))
    headers = {"x-presage-api-key-id": "narrow"}

    answers = {
        "predict": post(service, PREDICT, None, **headers),
        "records.write": post(service, RECORDS, None, **headers),
        "predictions.read": service.call("GET", READ, headers=headers),
    }

    assert answers.pop(scope).status_code == {"predict": 200, "records.write": 202, "predictions.read": 404}[scope]
    for needed, answer in answers.items():
        assert (answer.status_code, answer.get_json()["code"]) == (403, "scope_missing")
        assert answer.get_json()["detail"] == f"The key's scopes are {scope}; this needs {needed}"
    assert len(service.world.journal.calls) + len(service.records.batches) == (0 if scope == "predictions.read" else 1)
