"""Serves the public API: `python -m services.public_api.serve --bind HOST:PORT`.

Granian reads and writes HTTP in Rust, so that of a request only what is ours costs Python (docs/adr/0014). SIGTERM stops accepting
and lets running requests end.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence

from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.server import Server

from presage.runtime.observability import configure_logging
from presage.runtime.settings import load_settings
from services.public_api.settings import PublicApiSettings

WORKERS = 2
CONNECTIONS = 256
"""A worker's open connections; more wait unaccepted."""
DRAIN_SECONDS = 30
HEADER_SECONDS = 10
_HEADER_BYTES = 32_768
_OBJECTS_BETWEEN_COLLECTIONS = 10_000
"""A prediction leaves none behind; what metadata leaves that is loaded again would take ten minutes and megabytes to make 50,000."""


def load() -> object:
    """Return the application of one worker."""
    from services.public_api.app import create_front  # noqa: PLC0415 - the parent of the workers does not need it

    application = create_front()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 20, 100)
    return application


def main(arguments: Sequence[str]) -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser(description="Serves the public API.")
    parser.add_argument("--bind", required=True, metavar="HOST:PORT")
    host, _, port = str(parser.parse_args(arguments).bind).rpartition(":")
    configure_logging(service="public_api", stage=load_settings(PublicApiSettings).stage)
    server = Server(
        "services.public_api.serve:load",
        factory=True,
        address=host,
        port=int(port),
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        workers=WORKERS,
        loop=Loops.uvloop,
        backpressure=CONNECTIONS,
        workers_kill_timeout=DRAIN_SECONDS,
        respawn_failed_workers=True,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000, max_buffer_size=_HEADER_BYTES),
        log_access=False,
        log_dictconfig={"version": 1, "disable_existing_loggers": False, "loggers": {"_granian": {"handlers": [], "propagate": True}}},
        websockets=False,
    )
    server.serve()


if __name__ == "__main__":
    main(sys.argv[1:])
