"""Hands over what the journal holds: log entries to their queue, then their assignments to theirs, then the journal forgets them."""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from presage.errors import InvalidInputError
from presage.experiments.ports import AssignmentQueue
from presage.predictions.messages import read_call
from presage.predictions.ports import Backlog, JournalCall, JournalReader, LoggedCall, PredictionQueue

INTERVAL_SECONDS = 0.05
"""Between two looks into the journal: half of it is what an entry waits on average, and calls of this time share messages."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5.0
DRAIN_SECONDS = 20.0
GROUP_BYTES = 1_000_000
"""What is handed over at a time when much waits: at most 3,600 rows in blocks, which a function puts in seconds, ten times over too."""
REPORT_SECONDS = 10.0

Wait = Callable[[float], bool]
"""Waits that many seconds at most, and returns whether the process was asked to stop."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ShippingPorts:
    """Where entries come from and go to."""

    journal: JournalReader
    predictions: PredictionQueue
    assignments: AssignmentQueue


@dataclass(slots=True)
class Group:
    """Calls that are handed over together; `logged` once their entries are durable, so that a retry does not send them again."""

    appended_at: Sequence[float]
    calls: Sequence[LoggedCall]
    size_bytes: int
    logged: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What was handed over since the last report, how long it had waited, and what waits now."""

    calls: int
    shipped_bytes: int
    failures: int
    lag_ms_p50: float | None
    lag_ms_p99: float | None
    oldest_seconds: float
    unshipped_bytes: int
    damaged: int
    set_aside: int
    """Calls that a queue refuses for good."""


@dataclass(slots=True)
class _Tally:
    shipped_bytes: int = 0
    failures: int = 0
    set_aside: int = 0
    lags: list[float] = field(default_factory=list)


class Shipper:
    """Ships until it is asked to stop, through failures of any queue; then drains what is left within a bound."""

    def __init__(self, ports: ShippingPorts, *, report: Callable[[Report], object], clock: Callable[[], float] = time.time) -> None:
        """Take the ports and who hears the report, every `REPORT_SECONDS`; `clock` is the one that stamped the journal's calls."""
        self._ports = ports
        self._report = report
        self._clock = clock
        self._pending: Group | None = None
        self._failures = 0
        self._idle = False
        self._tally = _Tally()
        self._report_due = clock() + REPORT_SECONDS

    def run(self, wait: Wait, *, drain_seconds: float = DRAIN_SECONDS) -> Backlog:
        """Ship until `wait` says stop, then for `drain_seconds` at most until nothing is left; return what is left."""
        while not self._ports.journal.claim():
            if wait(LONGEST_PAUSE_SECONDS / 10):
                return self._ports.journal.measure()
        while not wait(self._step()):
            self._report_if_due()
        self._drain(drain_seconds)
        self._report(self._take_report())
        return self._ports.journal.measure()

    def ship_next(self) -> bool:
        """Hand over what comes next and return whether anything did.

        Idempotency: what was handed over before an error is sent at most once more; consumers know entries by their ids.

        Raises:
            UnavailableError: A queue did not answer. It stays in the journal and is tried first again.
        """
        group = self._pending = self._pending or self._read()
        if group is None:
            return False
        if not group.logged:
            self._hand_over(group.calls, self._ports.predictions.publish_calls)
            group.logged = True
        self._hand_over(group.calls, self._publish_assignments)
        self._ports.journal.confirm()
        self._pending = None
        now = self._clock()
        self._tally.shipped_bytes += group.size_bytes
        self._tally.lags += [now - appended_at for appended_at in group.appended_at]
        return True

    def _read(self) -> Group | None:
        found = self._ports.journal.read(max_bytes=GROUP_BYTES)
        if not found:
            return None
        return Group([call.appended_at for call in found], list(_read_calls(found)), sum(len(call.payload) for call in found))

    def _hand_over(self, calls: Sequence[LoggedCall], publish: Callable[[Sequence[LoggedCall]], None]) -> None:
        """Publish the calls. One that is refused for what it holds, found by halves, is set aside lest it hold up all others."""
        try:
            publish(calls)
        except InvalidInputError as error:
            if len(calls) > 1:
                middle = len(calls) // 2
                self._hand_over(calls[:middle], publish)
                self._hand_over(calls[middle:], publish)
                return
            kept_at = self._ports.predictions.set_aside(calls[0])
            self._tally.set_aside += 1
            _LOG.error("a call is refused for good, and set aside at %s: %s", kept_at, error)

    def _publish_assignments(self, calls: Sequence[LoggedCall]) -> None:
        assignments = [assignment for call in calls for assignment in call.assignments]
        if assignments:
            self._ports.assignments.publish_assignments(assignments)

    def _step(self) -> float:
        """Ship once and return how long to pause; with jitter after a failure, so that tasks do not come back at one time."""
        try:
            self._idle = not self.ship_next()
        except Exception as error:  # noqa: BLE001 - the boundary: a shipper that ends ships nothing, and what failed is kept
            self._idle = False
            self._failures += 1
            self._tally.failures += 1
            _LOG.warning("not handed over, kept: %s: %s", type(error).__name__, error)
            longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(self._failures, 10))
            return random.uniform(longest / 2, longest)  # noqa: S311 - spreads load, guards nothing
        self._failures = 0
        more = not self._idle and self._ports.journal.measure().unshipped_bytes > GROUP_BYTES
        return 0.0 if more else INTERVAL_SECONDS

    def _drain(self, seconds: float) -> None:
        """Ship until a look into the journal finds nothing: then it holds no file of an ended process any more."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            pause = self._step()
            if self._idle and not self._ports.journal.measure().unshipped_bytes:
                return
            if self._idle or self._failures:
                time.sleep(max(0.0, min(pause, deadline - time.monotonic())))

    def _report_if_due(self) -> None:
        if self._clock() >= self._report_due:
            self._report_due = self._clock() + REPORT_SECONDS
            self._report(self._take_report())

    def _take_report(self) -> Report:
        tally, self._tally = self._tally, _Tally()
        backlog = self._ports.journal.measure()
        lags = sorted(tally.lags)
        oldest = backlog.oldest_appended_at
        return Report(
            calls=len(lags),
            shipped_bytes=tally.shipped_bytes,
            failures=tally.failures,
            lag_ms_p50=_pick(lags, 0.5),
            lag_ms_p99=_pick(lags, 0.99),
            oldest_seconds=0.0 if oldest is None else max(0.0, self._clock() - oldest),
            unshipped_bytes=backlog.unshipped_bytes,
            damaged=backlog.damaged,
            set_aside=tally.set_aside,
        )


def _read_calls(found: Iterable[JournalCall]) -> Iterable[LoggedCall]:
    for call in found:
        try:
            yield read_call(call.payload)
        except InvalidInputError as error:
            _LOG.error("%d bytes of a call cannot be read, and are left out: %s at %s", len(call.payload), error, error.path)


def _pick(ordered: Sequence[float], share: float) -> float | None:
    """Return the nearest-rank percentile in milliseconds."""
    return round(1_000 * ordered[math.ceil(share * len(ordered)) - 1], 3) if ordered else None
