"""The public API whole: the server and its shipper. `python -m services.public_api --bind HOST:PORT`.

Whichever way it ends, the server ends first and the shipper last, so that nothing that was answered is left behind. A shipper that
dies is started again; when the server dies, so does the whole, to be replaced.
"""

from __future__ import annotations

import argparse
import ctypes
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from presage.predictions.shipping import DRAIN_SECONDS
from presage.runtime.observability import configure_logging
from presage.runtime.settings import load_settings
from services.public_api.settings import PublicApiSettings

SERVER = ("-m", "services.public_api.serve", "--bind")
SHIPPER = ("-m", "services.public_api.shipper")
RESTART_SECONDS = 1.0
SERVER_SECONDS = 35.0
"""The server lets requests end for 30 s."""
SHIPPER_SECONDS = DRAIN_SECONDS + 25.0
"""Behind the drain's bound a call may still be under way."""
STOPPING = frozenset({signal.SIGTERM, signal.SIGINT})
_SIGNALS = STOPPING | {signal.SIGCHLD}
_PR_SET_PDEATHSIG = 1
_LOG = logging.getLogger("presage.public_api")


def main(arguments: Sequence[str]) -> int:
    """Run until the server ends or a signal asks for it; return the server's exit code."""
    parser = argparse.ArgumentParser(prog="services.public_api")
    parser.add_argument("--bind", required=True, metavar="HOST:PORT")
    options = parser.parse_args(arguments)
    configure_logging(service="public_api", stage=load_settings(PublicApiSettings).stage)
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    server, shipper = start(*SERVER, options.bind, prepare=_prepare_server), start_shipper()
    started = time.monotonic()
    while server.poll() is None:
        if shipper.poll() is not None:
            time.sleep(max(0.0, started + RESTART_SECONDS - time.monotonic()))
            _LOG.warning("the shipper ended with %d; another one is started", shipper.returncode)
            shipper, started = start_shipper(), time.monotonic()
        received = signal.sigtimedwait(_SIGNALS, RESTART_SECONDS)
        if received is not None and received.si_signo in STOPPING:
            break
    code = stop(server, seconds=SERVER_SECONDS)
    if shipper.poll() is not None:
        shipper = start_shipper()
    stop(shipper, seconds=SHIPPER_SECONDS)
    return code


def start(*arguments: str, prepare: Callable[[], None]) -> subprocess.Popen[bytes]:
    """Start this interpreter with the arguments, in a group of its own: a signal to all would end the shipper before the server."""
    return subprocess.Popen([sys.executable, *arguments], process_group=0, preexec_fn=prepare)  # noqa: PLW1509, S603 - one thread; our own words


def start_shipper() -> subprocess.Popen[bytes]:
    """Start the shipper with the signals blocked, as they are here: one that comes while it starts waits until it can be heeded."""
    return start(*SHIPPER, prepare=_end_with_parent)


def stop(process: subprocess.Popen[bytes], *, seconds: float) -> int:
    """Ask the process to end, insist after `seconds`, and return its exit code."""
    process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _end_with_parent() -> None:
    """In the child: let the parent's end, however it comes, be a SIGTERM."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _prepare_server() -> None:
    _end_with_parent()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
