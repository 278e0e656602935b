"""`POST /v1/predict` without a framework: what every product waits for takes the shortest way.

The same use case, errors and headers as the view in `routes/predictions.py`, through which any WSGI server answers it.
"""

from __future__ import annotations

import atexit
import time
from typing import NamedTuple, Protocol

import msgspec
from uuid_utils import uuid7

from presage.errors import InvalidInputError
from presage.predictions.freshness import WouldWaitError, must_not_wait
from presage.predictions.request import PredictRequest
from presage.predictions.use_cases import predict
from presage.runtime.bodies import decode_json
from presage.runtime.http import REQUEST_ID
from presage.runtime.problems import CONTENT_TYPE, answer_error
from presage.runtime.traffic import Traffic
from presage.tenancy.keyed_call import Answer
from presage.tenancy.model import Caller
from services.public_api.access import describe_origin, require_features, require_origin, require_scope
from services.public_api.context import KEY_HEADER, Headers, PublicApiPorts, admit, describe_rate, require
from services.public_api.keyed import IDEMPOTENCY_HEADER, REPLAYED, Sent, answer_by_key

PATH = "/v1/predict"
MOST_BYTES_AT_ONCE = 16_384
"""Longer calls, explanations, and rankings of any number are computed on a thread, so that nobody waits behind them.

A hundred entities by their ids are 2 to 4 kB, and take half a millisecond: the loop has them answered sooner than it hands them over.
"""
_ENCODER = msgspec.json.Encoder()
_JSON = "application/json"


class Reply(NamedTuple):
    """An answer as it goes over the wire."""

    status: int
    headers: Headers
    body: bytes


class Given(Protocol):
    """The headers of a request, by their names in lower case."""

    def get(self, name: str, /) -> str | None:
        """Return a header's value, or None."""


class Call(msgspec.Struct):
    """A request whose body is there: the headers `given`, and those that the answer has. `caller` is known once it was admitted."""

    given: Given
    headers: Headers
    body: bytes
    began: float
    caller: Caller | None = None


def begin_headers(given_request_id: str | None) -> Headers:
    """Return the headers that every answer has; the request id comes first."""
    known = given_request_id is not None and REQUEST_ID.fullmatch(given_request_id) is not None
    return [("x-request-id", given_request_id if known and given_request_id else uuid7().hex), ("cache-control", "no-store")]


def refuse(error: Exception, headers: Headers) -> Reply:
    """Return the answer to what failed."""
    answer = answer_error(error, request_id=headers[0][1])
    return Reply(answer.problem.status, [*headers, *answer.headers.items(), ("content-type", CONTENT_TYPE)], answer.body)


class PredictRoute:
    """Answers predictions. On a thread that must not wait, what would make others wait is left to another one."""

    def __init__(self, ports: PublicApiPorts) -> None:
        """Answer from `ports`; what was counted of the traffic is logged at the process's end at the latest."""
        self._ports = ports
        self.traffic = Traffic(PATH)
        atexit.register(self.traffic.flush)

    def answer(self, call: Call) -> Reply:
        """Return the answer, whatever happens.

        Raises:
            WouldWaitError: This thread must not wait, and it would have to: ask again with the same call on another one.
        """
        try:
            caller = call.caller or self._admit(call)
            key = call.given.get(IDEMPOTENCY_HEADER)
            if key is None:
                reply = Reply(200, [*call.headers, ("content-type", _JSON)], self._predict(call, caller))
            else:
                reply = self._answer_once(call, caller, key)
        except WouldWaitError:
            raise
        except Exception as error:  # noqa: BLE001 - the edge of the process: whatever it is, it is answered
            return self.refuse(error, call)
        self.traffic.note(reply.status, time.perf_counter() - call.began)
        return reply

    def refuse(self, error: Exception, call: Call) -> Reply:
        """Return the answer to a call that failed, counted."""
        reply = refuse(error, call.headers)
        self.traffic.note(reply.status, time.perf_counter() - call.began)
        return reply

    def _admit(self, call: Call) -> Caller:
        caller, verdict = admit(self._ports, call.given.get(KEY_HEADER))
        call.headers += describe_rate(verdict)
        if caller.kind == "publishable":
            origin = call.given.get("origin")
            call.headers += describe_origin(caller, origin)
            require_origin(caller, origin)
        require(verdict, caller)
        require_scope(caller, "predict")
        call.caller = caller
        return caller

    def _answer_once(self, call: Call, caller: Caller, key: str) -> Reply:
        if must_not_wait():
            raise WouldWaitError
        sent = Sent(call.given.get("content-type") or "", call.given.get("content-encoding") or "identity", call.body)
        found, replayed = answer_by_key(
            key, f"POST {PATH}", sent, lambda: Answer(200, _JSON, self._predict(call, caller)), ports=self._ports, caller=caller
        )
        told = [REPLAYED] if replayed else []
        return Reply(found.status, [*call.headers, *told, ("content-type", found.content_type)], found.body)

    def _predict(self, call: Call, caller: Caller) -> bytes:
        ports = self._ports
        content_type = call.given.get("content-type") or ""
        if content_type != _JSON and content_type.partition(";")[0].strip().lower() != _JSON:
            raise InvalidInputError("Send a body of `content-type: application/json`", code="unsupported_media_type")
        if call.given.get("content-encoding") not in {None, "identity"}:
            raise InvalidInputError("Send the body without a content encoding", code="unsupported_encoding")
        request = decode_json(call.body, PredictRequest)
        require_features(caller, request)
        if must_not_wait() and self._is_heavy(call, request, caller.workspace_id):
            raise WouldWaitError
        return _ENCODER.encode(predict(request, workspace_id=caller.workspace_id, ports=ports.predictions, now=ports.now()))

    def _is_heavy(self, call: Call, request: PredictRequest, workspace_id: str) -> bool:
        if request.explain or len(call.body) > MOST_BYTES_AT_ONCE:
            return True
        return self._ports.predictions.catalog.get_deployment(workspace_id, request.model).model.spec.kind == "ranking"
