"""`POST /v1/predict` without a framework: what every product waits for takes the shortest way, all else is Flask's.

A WSGI application around the Flask one, so that any WSGI server runs either. Alone, Flask answers predictions too, the same way.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from uuid_utils import uuid7

from presage.errors import InvalidInputError, OverloadedError
from presage.predictions.request import PredictRequest
from presage.predictions.use_cases import predict
from presage.runtime.bodies import decode_json
from presage.runtime.http import HEALTH_PATHS, MAX_BODY_BYTES, REQUEST_ID
from presage.runtime.problems import CONTENT_TYPE, answer_error
from presage.runtime.traffic import Traffic
from services.public_api.context import KEY_HEADER, PublicApiPorts, admit, describe_rate, require

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/v1/predict"
_KEY_VARIABLE = f"HTTP_{KEY_HEADER.upper().replace('-', '_')}"
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_ENCODER = msgspec.json.Encoder()
Headers = list[tuple[str, str]]


class DirectPredict:
    """The public API: predictions answered here, everything else by `rest`, a bounded number at a time."""

    def __init__(self, rest: WSGIApplication, ports: PublicApiPorts) -> None:
        """Answer from `ports`; what was counted of the traffic is logged at the process's end at the latest."""
        self._rest = rest
        self._ports = ports
        self._traffic = Traffic(PATH)
        atexit.register(self._traffic.flush)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ["PATH_INFO"] != PATH or environ["REQUEST_METHOD"] != "POST":
            return self._pass_on(environ, start_response)
        began = time.perf_counter()
        headers = _begin_headers(environ)
        try:
            body = self._predict(environ, headers)
        except Exception as error:  # noqa: BLE001 - the edge of the process: whatever it is, it is answered
            status, body = _refuse(error, headers)
        else:
            status = 200
            headers.append(("content-type", "application/json"))
        headers.append(("content-length", str(len(body))))
        start_response(_STATUS_LINES[status], headers)
        self._traffic.note(status, time.perf_counter() - began)
        return (body,)

    def _predict(self, environ: WSGIEnvironment, headers: Headers) -> bytes:
        ports = self._ports
        caller, verdict = admit(ports, environ.get(_KEY_VARIABLE))
        headers.extend(describe_rate(verdict))
        require(verdict, caller)
        raw = _read_body(environ)
        token = ports.admission.enter()
        try:
            request = decode_json(raw, PredictRequest)
            return _ENCODER.encode(predict(request, workspace_id=caller.workspace_id, ports=ports.predictions, now=ports.now()))
        finally:
            ports.admission.leave(token)

    def _pass_on(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] in HEALTH_PATHS:
            return self._rest(environ, start_response)
        try:
            token = self._ports.waiting.enter()
        except OverloadedError as error:
            headers = _begin_headers(environ)
            status, body = _refuse(error, headers)
            start_response(_STATUS_LINES[status], headers)
            return (body,)
        try:
            return self._rest(environ, start_response)
        finally:
            self._ports.waiting.leave(token)


def _begin_headers(environ: WSGIEnvironment) -> Headers:
    given = environ.get("HTTP_X_REQUEST_ID")
    request_id = given if given is not None and REQUEST_ID.fullmatch(given) else uuid7().hex
    return [("x-request-id", request_id), ("cache-control", "no-store")]


def _refuse(error: Exception, headers: Headers) -> tuple[int, bytes]:
    answer = answer_error(error, request_id=headers[0][1])
    headers.extend(answer.headers.items())
    headers.append(("content-type", CONTENT_TYPE))
    return answer.problem.status, answer.body


def _read_body(environ: WSGIEnvironment) -> bytes:
    content_type = environ.get("CONTENT_TYPE", "")
    if content_type != "application/json" and content_type.partition(";")[0].strip().lower() != "application/json":
        raise InvalidInputError("Send a body of `content-type: application/json`", code="unsupported_media_type")
    if environ.get("HTTP_CONTENT_ENCODING", "identity") != "identity":
        raise InvalidInputError("Send the body without a content encoding", code="unsupported_encoding")
    length = environ.get("CONTENT_LENGTH") or ""
    body: bytes = environ["wsgi.input"].read(min(int(length), MAX_BODY_BYTES + 1) if length.isdigit() else MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise InvalidInputError(f"A body has at most {MAX_BODY_BYTES} bytes", code="body_too_large")
    return body
