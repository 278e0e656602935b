"""Conventions of every web service."""

import io
import json
import logging
from collections.abc import Iterator

import msgspec
import pytest
from flask import Flask, Response, abort, g
from flask.testing import FlaskClient

from presage.errors import AlreadyExistsError, CorruptArtifactError, InvalidInputError, NotFoundError, UnavailableError
from presage.runtime.http import create_app, read_json, respond
from presage.runtime.observability import configure_logging


class Body(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    sizes: list[int] = []


ERRORS = {
    "not_found": NotFoundError("No dataset 'x'"),
    "already_exists": AlreadyExistsError("There is one"),
    "unavailable": UnavailableError("publish batch b: could not connect to http://secret.internal:4566"),
    "corrupt_artifact": CorruptArtifactError("ws=secret/models/m.onnx: sha256 0, expected 1"),
    "invalid_input": InvalidInputError("Bad", path="$.a"),
}


def build_app() -> Flask:
    app = create_app("tests")

    @app.post("/echo")
    def echo() -> Response:
        return respond(read_json(Body), 201)

    @app.get("/raise/<code>")
    def raise_error(code: str) -> Response:
        raise ERRORS[code]

    @app.get("/crash")
    def crash() -> Response:
        raise ZeroDivisionError("secret detail")

    @app.get("/teapot")
    def teapot() -> Response:
        abort(418)

    return app


@pytest.fixture
def client() -> FlaskClient:
    return build_app().test_client()


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging(service="tests", stage="local", stream=stream)
    yield stream
    root.handlers[:], root.level = before, level


def test_decodes_the_body_into_the_type_and_encodes_the_answer(client: FlaskClient) -> None:
    answer = client.post("/echo", json={"name": "n", "sizes": [1]})
    assert (answer.status_code, answer.get_json()) == (201, {"name": "n", "sizes": [1]})


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"name": 3}', "$.name"),
        (b'{"name": "n", "sizes": [1, "2"]}', "$.sizes[1]"),
        (b'{"name": "n", "more": 1}', "$"),
        (b"{}", "$"),
        (b'{"name": ', "$"),
        (b'{"name": "\xff"}', "$"),
        (b"", "$"),
        (b"[" * 100_000, "$"),
    ],
)
def test_a_bad_body_is_a_problem_with_its_place(client: FlaskClient, body: bytes, path: str) -> None:
    answer = client.post("/echo", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert (answer.get_json()["code"], answer.get_json()["path"]) == ("invalid_input", path)


@pytest.mark.parametrize(
    ("method", "url", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "//echo", 404, "not_found"),
        ("GET", "/echo", 405, "method_not_allowed"),
        ("POST", "/echo", 415, "unsupported_media_type"),
        ("GET", "/raise/not_found", 404, "not_found"),
        ("GET", "/raise/already_exists", 409, "already_exists"),
        ("GET", "/raise/unavailable", 503, "unavailable"),
        ("GET", "/raise/corrupt_artifact", 500, "corrupt_artifact"),
        ("GET", "/raise/invalid_input", 400, "invalid_input"),
        ("GET", "/crash", 500, "internal"),
        ("GET", "/teapot", 418, "http_418"),
    ],
)
def test_every_error_is_a_problem(client: FlaskClient, method: str, url: str, status: int, code: str) -> None:
    answer = client.open(url, method=method, headers={"x-request-id": "r-1"})
    problem = answer.get_json()
    assert (answer.status_code, problem["status"], problem["code"], problem["request_id"]) == (status, status, code, "r-1")
    assert problem["type"] == f"urn:presage:problem:{code}"
    assert "secret" not in answer.text


def test_unavailable_says_when_to_come_back_and_405_what_is_allowed(client: FlaskClient) -> None:
    assert client.get("/raise/unavailable").headers["retry-after"] == "2"
    assert "POST" in client.get("/echo").headers["allow"]


def test_a_body_over_the_limit_is_refused(client: FlaskClient) -> None:
    answer = client.post("/echo", data=b" " * 1_200_001, content_type="application/json")
    assert (answer.status_code, answer.get_json()["code"]) == (413, "body_too_large")


def test_a_malformed_request_id_is_replaced(client: FlaskClient) -> None:
    given = client.get("/healthz", headers={"x-request-id": "ok.1-A_b"}).headers["x-request-id"]
    made = client.get("/healthz", headers={"x-request-id": "a b\x7f"}).headers["x-request-id"]
    assert given == "ok.1-A_b"
    assert len(made) == 32


def test_readiness_is_what_the_check_says() -> None:
    def refuse() -> None:
        raise UnavailableError("warming up")

    assert create_app("tests").test_client().get("/readyz").status_code == 200
    assert create_app("tests", check_ready=refuse).test_client().get("/readyz").status_code == 503


def test_the_access_log_has_the_request_but_no_query_or_header(client: FlaskClient, log_lines: io.StringIO) -> None:
    client.get("/raise/not_found?token=hidden", headers={"authorization": "Bearer hidden", "x-request-id": "r-2"})
    (line,) = [json.loads(text) for text in log_lines.getvalue().splitlines()]
    assert (line["request_id"], line["status"], line["route"], line["code"]) == ("r-2", 404, "/raise/<code>", "not_found")
    assert "hidden" not in log_lines.getvalue()


def test_what_the_caller_is_not_told_is_logged_once_under_the_request_id(client: FlaskClient, log_lines: io.StringIO) -> None:
    answer = client.get("/raise/unavailable", headers={"x-request-id": "r-4"})
    lines = [json.loads(text) for text in log_lines.getvalue().splitlines()]
    assert [(line["message"], line["request_id"]) for line in lines] == [("request failed", "r-4"), ("request", "r-4")]
    assert "http://secret.internal:4566" in lines[0]["traceback"]
    assert answer.get_json()["detail"] == "Something that this service needs did not answer; try again."


def test_an_unexpected_error_is_logged_once_with_its_traceback(client: FlaskClient, log_lines: io.StringIO) -> None:
    client.get("/crash")
    lines = [json.loads(text) for text in log_lines.getvalue().splitlines()]
    assert [line["message"] for line in lines] == ["unexpected error", "request"]
    assert "ZeroDivisionError: secret detail" in lines[0]["traceback"]


def test_request_context_is_there_for_handlers() -> None:
    app = create_app("tests")
    app.add_url_rule("/id", "id", lambda: respond({"id": g.request_id}))
    assert app.test_client().get("/id", headers={"x-request-id": "r-3"}).get_json() == {"id": "r-3"}
