"""What API Gateway does for HTTP proxy integrations and the emulator does not: mapped request headers, response headers.

Runs inside the emulator, so it imports nothing but the standard library; the emulator's module is handed in.
"""

import asyncio
import contextvars
import http.client
import urllib.parse
import uuid
from collections.abc import Mapping
from typing import Any

_HEADER_TARGET = "integration.request.header."
_PATH_TARGET = "integration.request.path."
_BALANCERS = ".elb.amazonaws.com"
# Never forwarded to the integration, or from it: they belong to one connection (RFC 9110, 7.6.1) or are set anew.
_OF_ONE_CONNECTION = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "host",
        "content-length",
        "date",
        "server",
    )
)
_api_key_of_request: contextvars.ContextVar[Mapping[str, Any] | None] = contextvars.ContextVar("api_key_of_request", default=None)


def resolve_parameter(source: str, *, headers: Mapping[str, str], path: Mapping[str, str], context: Mapping[str, str]) -> str | None:
    """Return the value of a mapping expression, or None where API Gateway would leave the parameter out."""
    if source.startswith("'") and source.endswith("'") and len(source) > 1:
        return source[1:-1]
    for prefix, values in (("method.request.header.", headers), ("method.request.path.", path), ("context.", context)):
        if source.startswith(prefix):
            name = source.removeprefix(prefix)
            return next((value for key, value in values.items() if key.lower() == name.lower()), None)
    return None


def map_request(
    integration: Mapping[str, Any], *, headers: Mapping[str, str], path: Mapping[str, str], context: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """Return the integration's URI with its path parameters filled in, and the headers to send it.

    A mapped header replaces what the caller sent under that name, also when the mapping has no value.
    """
    uri = str(integration.get("uri", ""))
    sent = {name.lower(): value for name, value in headers.items() if name.lower() not in _OF_ONE_CONNECTION}
    for target, source in (integration.get("requestParameters") or {}).items():
        value = resolve_parameter(str(source), headers=headers, path=path, context=context)
        if target.startswith(_PATH_TARGET):
            uri = uri.replace("{" + target.removeprefix(_PATH_TARGET) + "}", urllib.parse.quote(value or "", safe=""))
        elif target.startswith(_HEADER_TARGET):
            name = target.removeprefix(_HEADER_TARGET).lower()
            sent.pop(name, None)
            if value is not None:
                sent[name] = value
    return uri.replace("{proxy}", path.get("proxy", "")), sent


def append_query(uri: str, query: Mapping[str, Any]) -> str:
    """Return the URI with the query parameters added."""
    pairs = [(name, item) for name, value in query.items() for item in (value if isinstance(value, list) else [value])]
    if not pairs:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}{urllib.parse.urlencode(pairs)}"


def locate(target: urllib.parse.SplitResult, balancers_port: int) -> tuple[str, int | None, dict[str, str]]:
    """Return where an integration's server listens, and the header that names it there.

    A load balancer's name resolves nowhere: the emulator answers for all of them on its own port.
    """
    name = target.hostname or ""
    return ("127.0.0.1", balancers_port, {"host": target.netloc}) if name.endswith(_BALANCERS) else (name, target.port, {})


def call(
    method: str, uri: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float, balancers_port: int
) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of the integration's answer; redirects are answers."""
    target = urllib.parse.urlsplit(uri)
    connection_type = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
    host, port, named = locate(target, balancers_port)
    connection = connection_type(host, port, timeout=timeout_seconds)
    try:
        path = urllib.parse.urlunsplit(("", "", target.path or "/", target.query, ""))
        connection.request(method, path, body or None, {**headers, **named})
        response = connection.getresponse()
        answer = response.read()
        passed = {name: value for name, value in response.getheaders() if name.lower() not in _OF_ONE_CONNECTION}
        return response.status, passed, answer
    finally:
        connection.close()


def apply(gateway: Any, *, balancers_port: int) -> None:  # noqa: ANN401 - a module of the emulator
    """Replace the emulator's HTTP proxy integration, and let it know the key that the request was let in with."""
    check_api_key = gateway._check_api_key  # noqa: SLF001 - the emulator offers no hook
    timeout_seconds: float = gateway._PROXY_TIMEOUT_SECONDS  # noqa: SLF001 - same

    def check_and_remember(*arguments: Any) -> Any:  # noqa: ANN401 - the emulator's own types
        error, key = check_api_key(*arguments)
        _api_key_of_request.set(key)
        return error, key

    async def invoke(
        integration: Mapping[str, Any],
        _path: str,
        method: str,
        headers: Mapping[str, Any],
        body: bytes,
        query: Mapping[str, Any] | None,
        path: Mapping[str, str] | None = None,
    ) -> Any:  # noqa: ANN401 - same
        key = _api_key_of_request.get()
        request_id = str(uuid.uuid4())
        context = {"requestId": request_id, **({"identity.apiKeyId": str(key["id"])} if key else {})}
        flat = {name: value if isinstance(value, str) else value[-1] for name, value in headers.items()}
        uri, sent = map_request(integration, headers=flat, path=path or {}, context=context)
        try:
            status, answered, answer = await asyncio.to_thread(
                call,
                method,
                append_query(uri, query or {}),
                headers=sent,
                body=body,
                timeout_seconds=timeout_seconds,
                balancers_port=balancers_port,
            )
        except TimeoutError:
            return gateway._gw_error("INTEGRATION_TIMEOUT", "Endpoint request timed out")  # noqa: SLF001 - same
        except (OSError, http.client.HTTPException):
            return gateway._gw_error("INTEGRATION_FAILURE", "Internal server error")  # noqa: SLF001 - same
        return status, {"Content-Type": "application/json", **answered, "x-amzn-requestid": request_id}, answer

    gateway._check_api_key = check_and_remember  # noqa: SLF001 - same
    gateway._invoke_http_proxy_v1 = invoke  # noqa: SLF001 - same
