"""Sends messages to one SQS queue, up to ten in a call, and says what became of each."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec
from botocore.exceptions import ClientError

from presage.adapters.client import translate_errors
from presage.adapters.signed_calls import SignedCalls
from presage.errors import UnavailableError

ATTEMPTS = 4
SEND_SECONDS = 6.0
"""No attempt begins later than this after the first one."""
READ_TIMEOUT_SECONDS = 3.0
_FIRST_PAUSE_SECONDS = 0.05

Outcome = Exception | None
Pause = Callable[[float], None]
Clock = Callable[[], float]


class _Entry(msgspec.Struct, rename="pascal"):
    id: str
    message_body: str


class _Request(msgspec.Struct, rename="pascal"):
    queue_url: str
    entries: list[_Entry]


class _Sent(msgspec.Struct, rename="pascal"):
    id: str


class _Refused(msgspec.Struct, rename="pascal"):
    id: str
    code: str
    sender_fault: bool
    message: str = ""


class _Answer(msgspec.Struct, rename="pascal"):
    successful: list[_Sent] = []
    failed: list[_Refused] = []


_ANSWER = msgspec.json.Decoder(_Answer)


class SqsBatchSender:
    """Sends to `queue_url`. What fails by no fault of the message is tried again, by itself."""

    def __init__(
        self, queue_url: str, calls: SignedCalls | None = None, *, pause: Pause = time.sleep, clock: Clock = time.monotonic
    ) -> None:
        """Send by `calls`; others than the default are for tests."""
        self._queue_url = queue_url
        self._calls = calls or SignedCalls(read_timeout_seconds=READ_TIMEOUT_SECONDS)
        self._pause = pause
        self._clock = clock

    def send(self, bodies: Sequence[str]) -> list[Outcome]:
        """Return an outcome per body (at most ten): None when it is durable, an error when it is not, or may not be.

        Raises:
            NotFoundError: There is no such queue.
        """
        outcomes: list[Outcome] = [UnavailableError("not sent")] * len(bodies)
        pending = list(range(len(bodies)))
        deadline = self._clock() + SEND_SECONDS
        for attempt in range(ATTEMPTS):
            try:
                pending = self._try(bodies, pending, outcomes)
            except UnavailableError as error:
                for number in pending:
                    outcomes[number] = error
            if not pending or attempt + 1 == ATTEMPTS or self._clock() > deadline:
                break
            self._pause(_FIRST_PAUSE_SECONDS * 4**attempt * secrets.randbelow(1_000) / 1_000)
        return outcomes

    def _try(self, bodies: Sequence[str], pending: Iterable[int], outcomes: list[Outcome]) -> list[int]:
        """Send the pending ones, note what became of them, and return which may be tried again."""
        request = _Request(self._queue_url, [_Entry(str(number), bodies[number]) for number in pending])
        with translate_errors(f"send {len(request.entries)} messages"):
            answer = _ANSWER.decode(self._calls.call("SendMessageBatch", msgspec.json.encode(request)))
        for sent in answer.successful:
            outcomes[int(sent.id)] = None
        for refused in answer.failed:
            outcomes[int(refused.id)] = _judge(refused)
        return [int(entry.id) for entry in request.entries if isinstance(outcomes[int(entry.id)], UnavailableError)]


def _judge(refused: _Refused) -> Exception:
    if not refused.sender_fault:
        return UnavailableError(f"SQS did not take a message: {refused.code} {refused.message}")
    error = {"Code": refused.code, "Message": refused.message}
    return ClientError({"Error": error}, "SendMessageBatch")  # type: ignore[typeddict-item]  # only these are read
