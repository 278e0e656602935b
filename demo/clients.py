"""The two HTTP interfaces that a product developer uses: the workspace API and the public API behind the gateway."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import cast

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

JsonObject = dict[str, object]
TIMEOUT_SECONDS = (5, 60)
POLL_SECONDS = 0.5


class ApiError(Exception):
    """The API refused a call; the message is its problem document."""


class JsonClient:
    """Calls one base URL with fixed headers. Retries when told to come back later (429, 503), never after bytes were answered."""

    def __init__(self, base_url: str, headers: Mapping[str, str]) -> None:
        """Keep one connection pool. `headers` carry the credentials."""
        self._base_url = base_url.rstrip("/")
        self._session = requests.Session()
        self._session.headers.update({**headers, "Content-Type": "application/json"})
        retry = Retry(
            total=8,
            read=0,
            backoff_factor=0.3,
            backoff_jitter=0.3,
            status_forcelist=(429, 503),
            allowed_methods=None,
            raise_on_status=False,
        )
        self._session.mount("http://", HTTPAdapter(max_retries=retry))
        self._session.mount("https://", HTTPAdapter(max_retries=retry))

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None, **parameters: str) -> JsonObject:
        """Return the JSON answer of a call that succeeded, or raise `ApiError` with the problem document."""
        content = None if body is None else json.dumps(body)
        response = self._session.request(method, self._base_url + path, data=content, params=parameters, timeout=TIMEOUT_SECONDS)
        if not response.ok:
            raise ApiError(f"{method} {path}: {response.status_code} {response.text[:2000]}")
        return cast("JsonObject", response.json()) if response.content else {}

    def post(self, path: str, body: Mapping[str, object] | None = None) -> JsonObject:
        """Return the JSON answer of a POST."""
        return self.call("POST", path, body)

    def with_headers(self, **headers: str) -> JsonClient:
        """Return a client of the same API whose calls have these headers too; `_` in a name is `-` on the wire."""
        fixed = {str(name): str(value) for name, value in self._session.headers.items()}
        return JsonClient(self._base_url, {**fixed, **{name.replace("_", "-"): value for name, value in headers.items()}})

    def get(self, path: str, **parameters: str) -> JsonObject:
        """Return the JSON answer of a GET."""
        return self.call("GET", path, None, **parameters)


def put_file(url: str, content: bytes) -> None:
    """Upload to a presigned URL."""
    response = requests.put(url, data=content, timeout=TIMEOUT_SECONDS)
    if not response.ok:
        raise ApiError(f"upload: {response.status_code} {response.text[:2000]}")


def split(rows: Sequence[JsonObject], size: int) -> list[Sequence[JsonObject]]:
    """Return `rows` in runs of at most `size`."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def wait_a_moment(seconds: float = POLL_SECONDS) -> None:
    """Pause between two looks at something that is under way, for half a second at least."""
    time.sleep(max(seconds, POLL_SECONDS))
