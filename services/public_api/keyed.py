"""Calls with an `Idempotency-Key`: what is sent again is answered as it was the first time (docs/adr/0018)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import NamedTuple

from flask import Response, request

from presage.tenancy.idempotency import answer_once, build_call
from presage.tenancy.keyed_call import Answer
from presage.tenancy.model import Caller
from services.public_api.context import PublicApiPorts, get_caller, get_ports

IDEMPOTENCY_HEADER = "idempotency-key"
REPLAYED = ("idempotency-replayed", "true")


class Sent(NamedTuple):
    """What of a call must be the same when it is sent again."""

    content_type: str
    content_encoding: str
    body: bytes


def answer_by_key(
    key: str, route: str, sent: Sent, execute: Callable[[], Answer], *, ports: PublicApiPorts, caller: Caller
) -> tuple[Answer, bool]:
    """Return the answer to the call of that key, and whether it was given before.

    A publishable key is never given a secret key's answer: the kind is a parameter of the call.
    """
    parameters = (caller.kind, sent.content_type, sent.content_encoding)
    call = build_call(caller.workspace_id, route, key, parameters=parameters, body=sent.body)
    return answer_once(call, execute, store=ports.answers, now=ports.now)


def once(view: Callable[..., Response]) -> Callable[..., Response]:
    """Let a view answer a call with an idempotency key once; a call without one goes straight on."""

    @wraps(view)
    def answer(**arguments: str) -> Response:
        key = request.headers.get(IDEMPOTENCY_HEADER)
        if key is None:
            return view(**arguments)

        def execute() -> Answer:
            response = view(**arguments)
            return Answer(response.status_code, response.content_type or "", response.get_data())

        sent = Sent(request.content_type or "", request.headers.get("content-encoding", "identity"), request.get_data())
        found, replayed = answer_by_key(key, f"POST {request.path}", sent, execute, ports=get_ports(), caller=get_caller())
        return Response(found.body, found.status, headers=[REPLAYED] if replayed else [], content_type=found.content_type)

    return answer
