"""How calls are made, retried and refused; sync and async are held to the same."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from presage_client import models as m
from presage_client.errors import (
    ConflictError,
    ConnectionFailedError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    PresageError,
    RateLimitedError,
    UnauthenticatedError,
    UnavailableError,
    UnexpectedAnswerError,
)
from presage_client.flow import RetryPolicy
from tests.fixtures.python_client import Answers, AsyncDriver, FakeTime, SyncDriver, make_policy, problem

Call = tuple[str, tuple[Any, ...], dict[str, Any]]

PREDICTED = {"results": [{"error": {"code": "unknown_entity", "detail": "…", "path": "$.features[0]"}}]}
UPLOAD = {"key": "k", "url": "https://storage.example/k"}
SAFE: Call = ("datasets.get", ("ds_1",), {})
DATASET: dict[str, Any] = {
    "workspace_id": "ws_1",
    "dataset_id": "ds_1",
    "name": "orders",
    "entity": "customer",
    "columns": [],
    "created_at": "2026-03-01T12:30:15Z",
    "schema_version": 1,
    "newest_version": None,
}
DELETION: Call = ("webhooks.delete", ("whk_1",), {})
KEYED = ("public.predict", (), {"model": "m", "features": [{"id": "c1"}]})
UNKEYED = ("datasets.create_upload", ("ds_1",), {"file_name": "f.csv"})
NEVER_SENT = [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("full")]
PERHAPS_SENT = [httpx.ReadTimeout("slow"), httpx.WriteError("cut"), httpx.ReadError("cut"), httpx.RemoteProtocolError("cut")]


def answer_to(call: Call) -> httpx.Response:
    body = {SAFE[0]: DATASET, KEYED[0]: PREDICTED, UNKEYED[0]: UPLOAD}.get(call[0])
    return httpx.Response(204) if body is None else httpx.Response(200, json=body)


@pytest.fixture(params=[SyncDriver, AsyncDriver], ids=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> type[SyncDriver]:
    driver: type[SyncDriver] = request.param
    return driver


def make(kind: type[SyncDriver], call: Call, *answers: httpx.Response | Exception, **options: Any) -> tuple[Any, Answers, FakeTime]:  # noqa: ANN401
    server = Answers(answers)
    driver = kind(server, **options)
    name, arguments, named = call
    return driver.call(name, *arguments, **named), server, driver.time


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("call", [SAFE, DELETION, KEYED])
def test_what_may_be_repeated_is_after_a_passing_fault(kind: type[SyncDriver], call: Call, status: int) -> None:
    _, server, time = make(kind, call, problem(status, "unavailable"), problem(status, "unavailable"), answer_to(call))

    assert len(server.requests) == 3
    assert len(time.slept) == 2


@pytest.mark.parametrize("error", [*NEVER_SENT, *PERHAPS_SENT])
@pytest.mark.parametrize("call", [SAFE, DELETION, KEYED])
def test_what_may_be_repeated_is_after_a_broken_connection(kind: type[SyncDriver], call: Call, error: Exception) -> None:
    assert len(make(kind, call, error, answer_to(call))[1].requests) == 2


@pytest.mark.parametrize("error", NEVER_SENT)
def test_a_post_without_a_key_is_repeated_if_it_never_left(kind: type[SyncDriver], error: Exception) -> None:
    assert len(make(kind, UNKEYED, error, answer_to(UNKEYED))[1].requests) == 2


def test_a_post_without_a_key_is_repeated_if_it_was_too_early(kind: type[SyncDriver]) -> None:
    assert len(make(kind, UNKEYED, problem(429, "throttled"), answer_to(UNKEYED))[1].requests) == 2


@pytest.mark.parametrize(
    ("fault", "raised"),
    [(error, ConnectionFailedError) for error in PERHAPS_SENT]
    + [(problem(status, "unavailable"), UnavailableError) for status in (500, 502, 503, 504)],
)
def test_a_post_without_a_key_is_not_repeated_if_it_may_have_arrived(
    kind: type[SyncDriver], fault: httpx.Response | Exception, raised: type[Exception]
) -> None:
    server = Answers([fault, answer_to(UNKEYED)])

    with pytest.raises(raised):
        kind(server).call(UNKEYED[0], *UNKEYED[1], **UNKEYED[2])

    assert len(server.requests) == 1


def test_an_idempotency_key_is_made_for_a_call_and_kept_across_its_attempts(kind: type[SyncDriver]) -> None:
    faults: list[httpx.Response | Exception] = [
        httpx.ReadTimeout("slow"),
        problem(503, "unavailable"),
        problem(409, "call_in_flight", {"retry-after": "1"}),
    ]
    calls = [make(kind, KEYED, *faults, answer_to(KEYED))[1].requests for _ in range(2)]

    keys = [{request.headers["idempotency-key"] for request in requests} for requests in calls]
    assert [len(requests) for requests in calls] == [4, 4]
    assert [len(each) for each in keys] == [1, 1]
    assert keys[0] != keys[1]
    assert {request.content for request in calls[0]} == {b'{"model":"m","features":[{"id":"c1"}]}'}


def test_an_idempotency_key_may_be_given(kind: type[SyncDriver]) -> None:
    call = (KEYED[0], (), {**KEYED[2], "idempotency_key": "mine"})

    _, server, _ = make(kind, call, problem(503, "unavailable"), answer_to(KEYED))

    assert [request.headers["idempotency-key"] for request in server.requests] == ["mine", "mine"]


def test_operations_without_one_send_no_idempotency_key(kind: type[SyncDriver]) -> None:
    _, server, _ = make(kind, UNKEYED, answer_to(UNKEYED))

    assert "idempotency-key" not in server.requests[0].headers


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (problem(400, "invalid_input"), InvalidInputError),
        (problem(401, "unauthenticated"), UnauthenticatedError),
        (problem(403, "forbidden"), ForbiddenError),
        (problem(404, "not_found"), NotFoundError),
        (problem(409, "conflict"), ConflictError),
        (problem(413, "body_too_large"), InvalidInputError),
        (problem(422, "idempotency_key_reused"), InvalidInputError),
        (problem(429, "quota_exceeded"), RateLimitedError),
        (httpx.Response(302, headers={"location": "https://elsewhere.example/"}), UnexpectedAnswerError),
        (httpx.Response(200, text="<html>"), UnexpectedAnswerError),
        (httpx.Response(200, json={"results": [{"prediction": {}}]}), UnexpectedAnswerError),
    ],
)
def test_what_no_repetition_mends_is_raised_at_once(kind: type[SyncDriver], fault: httpx.Response, raised: type[Exception]) -> None:
    server = Answers([fault])

    with pytest.raises(raised):
        kind(server).call(KEYED[0], **KEYED[2])

    assert len(server.requests) == 1


def test_a_refusal_has_all_that_it_told(kind: type[SyncDriver]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        make(kind, KEYED, problem(400, "invalid_input", {"retry-after": "7"}, path="$.model", results=[{"status": "invalid"}]))

    error = caught.value
    assert (error.status, error.code, error.path, error.request_id) == (400, "invalid_input", "$.model", "req-1")
    assert (error.detail, error.retry_after_seconds, error.results) == ("invalid_input it is.", 7, [{"status": "invalid"}])
    assert str(error) == "400 invalid_input at $.model: invalid_input it is. Change what the path names and call again. (request req-1)"


def test_a_refusal_that_is_no_problem_document_keeps_its_status(kind: type[SyncDriver]) -> None:
    with pytest.raises(
        ForbiddenError, match=r"^403 unknown: .* a token of a user with the permission, or a key with the scope\. \(request None\)$"
    ):
        make(kind, SAFE, httpx.Response(403, text="<html>"))


@pytest.mark.parametrize("fault", [problem(503, "unavailable"), httpx.ReadTimeout("slow")])
def test_attempts_are_bounded_and_waits_grow_under_a_bound(kind: type[SyncDriver], fault: httpx.Response | Exception) -> None:
    server = Answers([fault] * 8)
    driver = kind(server, policy=make_policy(attempts=8, first_seconds=1.0, most_seconds=10.0))

    with pytest.raises((UnavailableError, ConnectionFailedError)):
        driver.call("datasets.get", "ds_1")

    slept = driver.time.slept
    assert len(server.requests) == 8
    assert all(0 <= wait <= bound for wait, bound in zip(slept, [1, 2, 4, 8, 10, 10, 10], strict=True))
    assert len(set(slept)) == 7


def test_waits_differ_from_client_to_client() -> None:
    policy = RetryPolicy()

    drawn = [policy.draw_wait(5) for _ in range(50)]

    assert len(set(drawn)) == 50
    assert 0 <= min(drawn) < max(drawn) <= 8


def test_retry_after_is_waited_for_with_jitter_on_top(kind: type[SyncDriver]) -> None:
    _, _, time = make(kind, SAFE, problem(503, "unavailable", {"retry-after": "30"}), answer_to(SAFE))

    assert 30 <= time.slept[0] <= 30.25


def test_retry_after_may_be_a_time(kind: type[SyncDriver]) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)

    _, _, time = make(kind, SAFE, problem(503, "unavailable", {"retry-after": later}), answer_to(SAFE))

    assert 20 < time.slept[0] <= 40.25


@pytest.mark.parametrize("told", ["", "soon", "-1", "Wed, 21 Oct 2015 07:28:00", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_retry_after_that_tells_nothing_changes_nothing(kind: type[SyncDriver], told: str) -> None:
    _, _, time = make(kind, SAFE, problem(503, "unavailable", {"retry-after": told}), answer_to(SAFE))

    assert 0 <= time.slept[0] <= 0.25


def test_a_retry_after_beyond_all_patience_is_left_to_the_caller(kind: type[SyncDriver]) -> None:
    with pytest.raises(RateLimitedError) as caught:
        make(kind, SAFE, problem(429, "rate_limited", {"retry-after": "3600"}))

    assert caught.value.retry_after_seconds == 3600


@pytest.mark.parametrize("fault", [httpx.ReadTimeout("slow"), problem(503, "unavailable")])
def test_what_an_unanswered_attempt_deleted_is_deleted(kind: type[SyncDriver], fault: httpx.Response | Exception) -> None:
    assert make(kind, DELETION, fault, problem(404, "not_found"))[0] is None


@pytest.mark.parametrize("faults", [(), (problem(429, "throttled"),), (httpx.ConnectError("refused"),)])
def test_what_was_never_there_is_not_deleted(kind: type[SyncDriver], faults: tuple[httpx.Response | Exception, ...]) -> None:
    with pytest.raises(NotFoundError):
        make(kind, DELETION, *faults, problem(404, "not_found"))


def test_what_an_unanswered_attempt_asked_for_may_still_be_missing(kind: type[SyncDriver]) -> None:
    with pytest.raises(NotFoundError):
        make(kind, SAFE, httpx.ReadTimeout("slow"), problem(404, "not_found"))


@pytest.mark.parametrize("dataset_id", ["", ".", ".."])
def test_an_id_that_makes_another_path_is_refused(kind: type[SyncDriver], dataset_id: str) -> None:
    with pytest.raises(ValueError, match="dataset_id"):
        make(kind, ("datasets.get", (dataset_id,), {}))


def test_ids_are_one_segment_of_the_path_whatever_they_are(kind: type[SyncDriver]) -> None:
    _, server, _ = make(kind, ("datasets.get", ("a/../b?c#ü",), {}), answer_to(SAFE))

    assert server.requests[0].url.raw_path == b"/api/v1/datasets/a%2F..%2Fb%3Fc%23%C3%BC"


def test_times_and_dates_go_out_as_the_documents_have_them(kind: type[SyncDriver]) -> None:
    moment = datetime(2026, 3, 1, 13, 30, tzinfo=timezone(timedelta(hours=1)))
    view = httpx.Response(200, json={"alias": "production", "current": None, "history": []})

    _, server, _ = make(kind, ("models.get_alias", ("mdl_1", "production"), {"at": moment}), view)

    assert server.requests[0].url.params["at"] == "2026-03-01T13:30:00+01:00"


def test_what_is_not_given_is_not_sent_and_none_is(kind: type[SyncDriver]) -> None:
    job = httpx.Response(202, json=make_job())

    _, server, _ = make(kind, ("experiments.create_analysis", ("exp_1",), {}), job)
    _, other, _ = make(kind, ("experiments.create_analysis", ("exp_1",), {"as_of": None}), job)

    assert [json.loads(each.requests[0].content) for each in (server, other)] == [{}, {"as_of": None}]


def make_job() -> dict[str, Any]:
    texts = dict.fromkeys(("job_id", "kind", "state", "message", "created_by", "created_at"), "x")
    nothing = dict.fromkeys(("finished_at", "retry_of", "retried_as"))
    return {**texts, **nothing, "progress": 0.0, "attempts": 0, "arguments": {}, "result": {}, "cancel_requested": False}


def test_large_bodies_of_records_are_packed_and_others_are_not(kind: type[SyncDriver]) -> None:
    accepted = httpx.Response(202, json={"accepted": 1, "duplicate": 0, "invalid": 0, "results": []})
    record = {"entity_id": "c1", "event_timestamp": datetime(2026, 3, 1, tzinfo=UTC), "values": {"text": "x" * 2000}}

    _, packed, _ = make(kind, ("public.send_records", ("orders",), {"records": [record]}), accepted)
    _, plain, _ = make(kind, ("public.send_records", ("orders",), {"records": []}), accepted)

    [request] = packed.requests
    assert request.headers["content-encoding"] == "gzip"
    assert len(request.content) < 200 == int(request.headers["content-length"]) + 200 - len(request.content)
    assert json.loads(gzip.decompress(request.content))["records"][0]["event_timestamp"] == "2026-03-01T00:00:00Z"
    assert "content-encoding" not in plain.requests[0].headers


def test_an_api_that_the_client_was_not_given_is_named(kind: type[SyncDriver]) -> None:
    with pytest.raises(PresageError, match="predict needs the public API: give the client its URL and credential"):
        make(kind, KEYED, public=None)
    with pytest.raises(PresageError, match="getDataset needs the workspace API"):
        make(kind, SAFE, workspace=None)


def test_a_policy_without_attempts_is_refused(kind: type[SyncDriver]) -> None:
    with pytest.raises(ValueError, match="at least one attempt, not 0"):
        make(kind, SAFE, policy=make_policy(attempts=0))


def test_structs_are_taken_in_bodies(kind: type[SyncDriver]) -> None:
    created = httpx.Response(201, json=DATASET)

    _, server, _ = make(
        kind, ("datasets.create", (), {"name": "orders", "entity": "c", "columns": [m.Column(name="n", type="number")]}), created
    )

    assert json.loads(server.requests[0].content)["columns"] == [{"name": "n", "type": "number"}]
