"""What a key may be used for, and from which web pages: a secret key by servers, a publishable one by apps and pages too (docs/adr/0018).

An origin is no proof of who calls, as only browsers tell it honestly: it keeps a key from being used in other people's pages.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, current_app, g, request

from presage.errors import ForbiddenError
from presage.predictions.request import PredictRequest
from presage.runtime.http import note
from presage.tenancy.model import Caller, Scope
from services.public_api.context import KEY_HEADER, OPEN_PATHS, Headers, admit, describe_rate, get_ports, require

BROWSER_ENDPOINTS = frozenset({"predictions.post_predict", "datasets.post_records"})
SCOPES_OF_ENDPOINTS: Mapping[str | None, Scope] = {
    "predictions.post_predict": "predict",
    "datasets.post_records": "records.write",
    "predictions.get_prediction_by_id": "predictions.read",
}
PREFLIGHT_SECONDS = 600
_ALLOWED = "content-encoding, content-type, idempotency-key, x-api-key, x-request-id"
_EXPOSED = "idempotency-replayed, ratelimit-limit, ratelimit-remaining, ratelimit-reset, retry-after, x-request-id"


def describe_origin(caller: Caller, origin: str | None) -> Headers:
    """Return the CORS headers of an answer: only the key's own origins may read it, and no credentials are ever asked for."""
    if not caller.origins:
        return []
    if origin not in caller.origins or origin is None:
        return [("vary", "origin")]
    return [("vary", "origin"), ("access-control-allow-origin", origin), ("access-control-expose-headers", _EXPOSED)]


def require_origin(caller: Caller, origin: str | None) -> None:
    """Raise `ForbiddenError` if a publishable key is used from a page of another origin than its own ones."""
    if caller.kind == "publishable" and origin is not None and origin not in caller.origins:
        raise ForbiddenError(f"The key may not be used from pages of {origin[:200]!r}", code="origin_not_allowed")


def require_endpoint(caller: Caller, endpoint: str | None) -> None:
    """Raise `ForbiddenError` if a publishable key is used for more than predictions and records, or a key for more than its scopes."""
    if caller.kind == "publishable" and endpoint not in BROWSER_ENDPOINTS:
        raise ForbiddenError("A publishable key may only predict and send records; use a secret key", code="secret_key_required")
    if endpoint in SCOPES_OF_ENDPOINTS:
        require_scope(caller, SCOPES_OF_ENDPOINTS[endpoint])


def require_scope(caller: Caller, scope: Scope) -> None:
    """Raise `ForbiddenError` if the key was not made for that."""
    if scope not in caller.scopes:
        raise ForbiddenError(f"The key's scopes are {', '.join(caller.scopes)}; this needs {scope}", code="scope_missing")


def require_features(caller: Caller, body: PredictRequest) -> None:
    """Raise `ForbiddenError` if a publishable key asks for what is known of somebody, as contributions tell too: anybody may have it."""
    if caller.kind == "publishable" and (body.include_features or body.explain):
        raise ForbiddenError("`include_features` and `explain` need a secret key", code="secret_key_required")


def admit_caller() -> None:
    """Find the caller and count the call, before any view runs.

    Raises:
        UnauthenticatedError: The call did not come with a key.
        ForbiddenError: The key is unknown or revoked, or not for this.
        RateLimitedError: The key's plan allows no more calls now.
    """
    if request.url_rule is None or request.path in OPEN_PATHS:
        return
    origin = request.headers.get("origin")
    caller, verdict = admit(get_ports(), request.headers.get(KEY_HEADER))
    g.caller, g.told = caller, [*describe_rate(verdict), *describe_origin(caller, origin)]
    note(workspace_id=caller.workspace_id)
    require(verdict, caller)
    require_origin(caller, origin)
    require_endpoint(caller, request.endpoint)


def tell_caller(response: Response) -> Response:
    """Put on the answer to a call that was counted what is left, and who may read it."""
    response.headers.extend(g.get("told", []))
    return response


def answer_preflight() -> Response | None:
    """Answer a browser that asks whether it may call; it sends no key yet, so any key's origin may, and the call itself decides."""
    if request.method != "OPTIONS" or request.endpoint not in BROWSER_ENDPOINTS:
        return None
    origin = request.headers.get("origin", "")
    if not origin or not get_ports().predictions.catalog.is_origin(origin):
        raise ForbiddenError("No key may be used from pages of this origin", code="origin_not_allowed")
    response = current_app.response_class(status=204)
    del response.headers["content-type"]
    response.headers.extend(
        {
            "vary": "origin",
            "access-control-allow-origin": origin,
            "access-control-allow-methods": "POST",
            "access-control-allow-headers": _ALLOWED,
            "access-control-max-age": str(PREFLIGHT_SECONDS),
        }
    )
    return response
