"""Lists, unions, times, and what reprs show."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import anyio
import httpx
import msgspec
import pytest
from msgspec import UNSET
from rich.pretty import pretty_repr

from presage_client import AsyncClient, Client
from presage_client import models as m
from presage_client import public_models as p
from tests.fixtures.python_client import PUBLIC, WORKSPACE, Answers, AsyncDriver, SyncDriver, problem

KEY: dict[str, Any] = {
    "api_key_id": "key_1",
    "name": "k",
    "plan": "free",
    "kind": "secret",
    "origins": [],
    "scopes": ["predict"],
    "created_at": "…",
    "expires_at": None,
    "last_used_at": None,
    "revoked_at": None,
}
RESULT: dict[str, Any] = {
    "prediction": "1",
    "prediction_id": "p1",
    "model_version": 3,
    "variant": "none",
    "answered_by": "model",
    "snapshot_age_seconds": 1.5,
}


def page(*numbers: int, following: str | None) -> httpx.Response:
    return httpx.Response(200, json={"items": [KEY | {"api_key_id": f"key_{number}"} for number in numbers], "next": following})


@pytest.fixture(params=[SyncDriver, AsyncDriver], ids=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> type[SyncDriver]:
    driver: type[SyncDriver] = request.param
    return driver


def test_a_list_is_read_to_its_end_page_by_page(kind: type[SyncDriver]) -> None:
    server = Answers([page(1, 2, following="a b&c"), page(following="d"), page(3, following=None)])

    items = kind(server).call("api_keys.list", limit=2)

    assert [item.api_key_id for item in items] == ["key_1", "key_2", "key_3"]
    assert [dict(request.url.params) for request in server.requests] == [
        {"limit": "2"},
        {"limit": "2", "after": "a b&c"},
        {"limit": "2", "after": "d"},
    ]


def test_a_page_that_fails_is_asked_for_again_and_no_item_comes_twice(kind: type[SyncDriver]) -> None:
    server = Answers([page(1, following="a"), problem(503, "unavailable"), page(2, following=None)])

    assert [item.api_key_id for item in kind(server).call("api_keys.list")] == ["key_1", "key_2"]
    assert [request.url.params.get("after") for request in server.requests] == [None, "a", "a"]


def test_no_page_is_asked_for_before_it_is_needed() -> None:
    server = Answers([page(1, following="a")])
    with Client(workspace=WORKSPACE, http=httpx.Client(transport=httpx.MockTransport(server))) as client:
        keys = client.api_keys.list()
        assert server.requests == []

        first = next(iter(keys.pages()))

    assert (len(first.items), first.next) == (1, "a")


def test_pages_can_be_read_one_by_one_async() -> None:
    server = Answers([page(1, 2, following="a"), page(3, following=None)])

    async def count() -> list[int]:
        http = httpx.AsyncClient(transport=httpx.MockTransport(server))
        async with AsyncClient(workspace=WORKSPACE, http=http) as client:
            return [len(each.items) async for each in client.api_keys.list().pages()]

    assert anyio.run(count) == [2, 1]


def test_an_entry_of_a_prediction_is_a_result_or_an_error(kind: type[SyncDriver]) -> None:
    error = {"code": "unknown_entity", "detail": "…", "path": "$.features[1]"}
    server = Answers([httpx.Response(200, json={"results": [RESULT, {"error": error}]})])

    answered, refused = kind(server).call("public.predict", model="m", features=[{"id": "c1"}, {}]).results

    assert (answered.prediction, answered.model_version, answered.error) == ("1", 3, UNSET)
    assert (refused.prediction, refused.error.code) == (UNSET, "unknown_entity")


@pytest.mark.parametrize("prediction", ["1", 2.5, ["f1", "f9"]])
def test_a_prediction_is_a_class_a_number_or_items(kind: type[SyncDriver], prediction: object) -> None:
    server = Answers([httpx.Response(200, json={"results": [RESULT | {"prediction": prediction}]})])

    [result] = kind(server).call("public.predict", model="m", features=[{"id": "c1"}]).results

    assert result.prediction == prediction


def test_times_are_read_as_aware_times(kind: type[SyncDriver]) -> None:
    logged = {
        "prediction_id": "p1",
        "model_id": "mdl_1",
        "model_version": 3,
        "entity_id": None,
        "variant": "none",
        "experiment_id": None,
        "created_at": "2026-03-01T12:30:15.123456Z",
        "predicted_for": "2026-03-01T13:30:15+01:00",
        "request": {},
        "features": {},
        "result": RESULT,
    }

    prediction = kind(Answers([httpx.Response(200, json=logged)])).call("public.get_prediction", "p1")

    assert prediction.created_at == datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
    assert prediction.predicted_for == datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)


def test_fields_and_values_of_a_newer_api_are_no_fault(kind: type[SyncDriver]) -> None:
    server = Answers([httpx.Response(200, json={"items": [KEY | {"plan": "platinum", "novelty": 1}], "next": None})])

    assert [key.plan for key in kind(server).call("api_keys.list")] == ["platinum"]


def test_a_repr_shows_what_is_there_and_no_secret() -> None:
    shown = msgspec.convert(KEY | {"key": "sk_seen-by-nobody"}, m.ApiKeyView)
    hidden = msgspec.convert(KEY, m.ApiKeyView)

    assert repr(shown) == repr(hidden).removesuffix(")") + ", key='***')"
    assert repr(hidden).startswith("ApiKeyView(api_key_id='key_1', name='k', plan='free'")
    assert repr(msgspec.convert({"error": {"code": "c", "detail": "d", "path": None}}, p.EntryAnswer)) == (
        "EntryAnswer(error=EntryAnswerError(code='c', detail='d', path=None))"
    )
    for told in (pretty_repr(shown), f"{shown}", f"{[shown]}"):
        assert "seen-by-nobody" not in told
    assert shown.key == "sk_seen-by-nobody"


def test_every_field_that_holds_a_credential_is_hidden() -> None:
    kinds = {name: each for name, each in vars(m).items() if isinstance(each, type)}
    hidden = {name: secrets for name, each in kinds.items() if (secrets := getattr(each, "secrets", None))}

    assert hidden == {
        "ApiKeyView": {"key"},
        "BatchPredictionFile": {"url"},
        "Registration": {"token"},
        "Upload": {"url"},
        "UserView": {"token"},
        "WebhookView": {"secret"},
    }


def test_a_client_that_was_given_does_not_get_closed() -> None:
    http = httpx.Client(transport=httpx.MockTransport(Answers([page(following=None)])))
    with Client(workspace=WORKSPACE, public=PUBLIC, http=http):
        pass

    assert not http.is_closed


def test_a_client_of_its_own_is_closed_and_waits_no_longer_than_it_says() -> None:
    with Client(workspace=WORKSPACE) as client:
        assert client._http.timeout == httpx.Timeout(30, connect=5)  # noqa: SLF001 - what is made by default
    assert client._http.is_closed  # noqa: SLF001 - same
