"""The public API as Granian serves it (its RSGI interface): predictions on the event loop, everything else on threads.

A connection that sends its header or its body slowly costs a coroutine, not a thread; slow stores hold up threads, never predictions.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]  # granian exports it without `__all__`

from presage.errors import InvalidInputError, OverloadedError
from presage.predictions.freshness import WouldWaitError, forbid_waiting
from presage.runtime.admission import Admission
from presage.runtime.deadlines import Deadlines
from presage.runtime.http import HEALTH_PATHS, MAX_BODY_BYTES
from presage.runtime.lag import LoopLag
from services.public_api.bridge import call_wsgi
from services.public_api.context import KEY_HEADER, PublicApiPorts
from services.public_api.direct import PATH, Call, PredictRoute, Reply, begin_headers, refuse
from services.public_api.keyed import IDEMPOTENCY_HEADER

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from granian._granian import RSGIHTTPProtocol as HTTPProtocol
    from granian.rsgi import Scope

FLASK_THREADS = 16
COMPUTE_THREADS = 2
WAITING_REQUESTS = 64
"""What may wait for Flask's threads, those that are served included."""
LONGEST_WAIT_SECONDS = 0.25
BODY_SECONDS = 10.0


class Front:
    """One worker: an event loop that answers predictions, threads that compute heavy ones, threads for Flask, one for health."""

    def __init__(self, rest: WSGIApplication, ports: PublicApiPorts) -> None:
        """Answer predictions from `ports`, everything else by `rest`."""
        self._rest = rest
        self.route = PredictRoute(ports)
        self._lag = LoopLag()
        self._bodies = Deadlines(BODY_SECONDS)
        self._flask = ThreadPoolExecutor(FLASK_THREADS, thread_name_prefix="flask")
        self._health = ThreadPoolExecutor(1, thread_name_prefix="health")
        self._compute = ThreadPoolExecutor(COMPUTE_THREADS, thread_name_prefix="compute")
        self.computing = Admission(max_wait_seconds=LONGEST_WAIT_SECONDS, max_running=WAITING_REQUESTS)
        self.waiting = Admission(max_wait_seconds=float("inf"), max_running=WAITING_REQUESTS)

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start on this worker's loop."""
        loop.call_soon(forbid_waiting)
        loop.call_soon(self._lag.watch, loop)
        loop.call_soon(self._bodies.watch, loop)

    async def __rsgi__(self, scope: Scope, connection: HTTPProtocol) -> None:
        """Answer one request."""
        began = time.perf_counter()
        given = scope.headers
        headers = begin_headers(given.get("x-request-id"))
        try:
            body = await self._read_body(scope, connection)
            if scope.path == PATH and scope.method == "POST":
                call = Call(
                    given.get(KEY_HEADER),
                    headers,
                    given.get("content-type", ""),
                    given.get("content-encoding", "identity"),
                    body,
                    began,
                    given,
                )
                status, headers, body = await self._predict(call)
            else:
                status, headers, body = await self._pass_on(scope, body)
        except Exception as error:  # noqa: BLE001 - the edge of the process: whatever it is, it is answered
            status, headers, body = refuse(error, headers)
        connection.response_bytes(status, headers, body)

    async def _read_body(self, scope: Scope, connection: HTTPProtocol) -> bytes:
        length = _find_length(scope)
        if length == 0:
            return b""
        try:
            return await self._bodies.wait(connection())
        except TimeoutError as error:
            raise InvalidInputError(f"The body did not arrive within {BODY_SECONDS:.0f} s", code="body_too_slow") from error
        except ProtocolClosed as error:
            raise InvalidInputError(f"The body broke off before its {length} bytes were there", code="body_incomplete") from error

    async def _predict(self, call: Call) -> Reply:
        if self._lag.seconds > LONGEST_WAIT_SECONDS:
            return self.route.refuse(OverloadedError("The service has more to do than it can do in time; try again."), call)
        try:
            return self.route.answer(call)
        except WouldWaitError:
            waits = call.given.get(IDEMPOTENCY_HEADER) is not None  # what waits for a store waits with its kind
        pool, admission = (self._flask, self.waiting) if waits else (self._compute, self.computing)
        try:
            return await _run(pool, admission, lambda: self.route.answer(call))
        except OverloadedError as error:
            return self.route.refuse(error, call)

    async def _pass_on(self, scope: Scope, body: bytes) -> Reply:
        if scope.path in HEALTH_PATHS:
            return await asyncio.get_running_loop().run_in_executor(self._health, call_wsgi, self._rest, scope, body)
        return await _run(self._flask, self.waiting, lambda: call_wsgi(self._rest, scope, body))


async def _run(pool: ThreadPoolExecutor, admission: Admission, work: Callable[[], Reply]) -> Reply:
    """Return what `work` returns on a thread of the pool, or raise `OverloadedError` if too much waits for it."""
    admission.enter()
    return await asyncio.get_running_loop().run_in_executor(pool, _measure, admission, work)


def _measure(admission: Admission, work: Callable[[], Reply]) -> Reply:
    began = time.thread_time()
    try:
        return work()
    finally:
        admission.leave(time.thread_time() - began)


def _find_length(scope: Scope) -> int:
    """Return how many bytes the body has.

    Raises:
        InvalidInputError: It comes in pieces, or is longer than a body may be.
    """
    if "transfer-encoding" in scope.headers:
        # Granian ends a chunked body that breaks off as it ends a whole one.
        raise InvalidInputError("Send the body with its `content-length`", code="length_required")
    length = int(scope.headers.get("content-length", "0"))
    if length > MAX_BODY_BYTES:
        raise InvalidInputError(f"A body has at most {MAX_BODY_BYTES} bytes", code="body_too_large")
    return length
