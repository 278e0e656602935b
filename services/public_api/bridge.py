"""Calls a WSGI application with a request of Granian's whose body is there."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from werkzeug.test import run_wsgi_app

from services.public_api.direct import Reply

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

    from granian.rsgi import Scope

_OF_THEIR_OWN = frozenset({"content-type", "content-length"})


def call_wsgi(application: WSGIApplication, scope: Scope, body: bytes) -> Reply:
    """Return the application's answer, all of it."""
    pieces, status, headers = run_wsgi_app(application, build_environ(scope, body), buffered=True)
    return Reply(int(status[:3]), [(name.lower(), value) for name, value in headers], b"".join(pieces))


def build_environ(scope: Scope, body: bytes) -> WSGIEnvironment:
    """Return the request as PEP 3333 has it. A header with `_` is left out: its variable could be mistaken for the gateway's."""
    host, _, port = scope.server.rpartition(":")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string.encode().decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0],
        "CONTENT_TYPE": scope.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        if name not in _OF_THEIR_OWN and "_" not in name:
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    return environ
