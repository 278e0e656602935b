"""`POST /v1/predict` without a framework: what every product waits for takes the shortest way.

The same use case, errors and headers as the view in `routes/predictions.py`, through which any WSGI server answers it.
"""

from __future__ import annotations

import atexit
import time
from typing import NamedTuple

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
from presage.tenancy.model import Caller
from services.public_api.context import PublicApiPorts, admit, describe_rate, require

PATH = "/v1/predict"
MOST_ENTRIES_AT_ONCE = 10
"""More entries, explanations, and rankings of any number are computed on a thread, so that nobody waits behind them."""
_ENCODER = msgspec.json.Encoder()
Headers = list[tuple[str, str]]


class Reply(NamedTuple):
    """An answer as it goes over the wire."""

    status: int
    headers: Headers
    body: bytes


class Call(msgspec.Struct):
    """A request whose body is there. `caller` is known once it was admitted."""

    api_key_id: str | None
    headers: Headers
    content_type: str
    content_encoding: str
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
        self._traffic = Traffic(PATH)
        atexit.register(self._traffic.flush)

    def answer(self, call: Call) -> Reply:
        """Return the answer, whatever happens.

        Raises:
            WouldWaitError: This thread must not wait, and it would have to: ask again with the same call on another one.
        """
        try:
            body = self._predict(call)
            reply = Reply(200, [*call.headers, ("content-type", "application/json")], body)
        except WouldWaitError:
            raise
        except Exception as error:  # noqa: BLE001 - the edge of the process: whatever it is, it is answered
            reply = refuse(error, call.headers)
        self._traffic.note(reply.status, time.perf_counter() - call.began)
        return reply

    def _predict(self, call: Call) -> bytes:
        ports = self._ports
        if call.caller is None:
            caller, verdict = admit(ports, call.api_key_id)
            call.headers += describe_rate(verdict)
            require(verdict, caller)
            call.caller = caller
        if call.content_type != "application/json" and call.content_type.partition(";")[0].strip().lower() != "application/json":
            raise InvalidInputError("Send a body of `content-type: application/json`", code="unsupported_media_type")
        if call.content_encoding != "identity":
            raise InvalidInputError("Send the body without a content encoding", code="unsupported_encoding")
        request = decode_json(call.body, PredictRequest)
        if must_not_wait() and self._is_heavy(request, call.caller.workspace_id):
            raise WouldWaitError
        return _ENCODER.encode(predict(request, workspace_id=call.caller.workspace_id, ports=ports.predictions, now=ports.now()))

    def _is_heavy(self, request: PredictRequest, workspace_id: str) -> bool:
        if request.explain or len(request.features) > MOST_ENTRIES_AT_ONCE:
            return True
        return self._ports.predictions.catalog.get_deployment(workspace_id, request.model).model.spec.kind == "ranking"
