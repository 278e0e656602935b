"""Requests that wait for a queue at the same moment share a call, and each gets its own result.

A request that finds a call free sends at once, alone. One that finds all calls under way waits; the request that ends a call
forms the next group of those that wait, and its first member sends it. So nothing is delayed while there is little to do, the
groups grow with the load by themselves, and no thread stands by.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from presage.errors import UnavailableError

Outcome = Exception | None
"""What became of one entry: None when it is durable."""
SendGroup = Callable[[Sequence[str]], Sequence[Outcome]]


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """What a group may hold, and what may wait."""

    calls_at_once: int = 2
    """One more than what keeps the queue busy: the next group is formed while another is under way."""
    group_entries: int = 10
    group_bytes: int = 262_144
    waiting_entries: int = 64
    waiting_bytes: int = 8_388_608
    waiting_seconds: float = 4.0


class _Entry:
    __slots__ = ("body", "group", "outcome", "ready", "size_bytes")

    def __init__(self, body: str, size_bytes: int) -> None:
        self.body = body
        self.size_bytes = size_bytes
        self.ready = threading.Event()
        self.group: list[_Entry] = []
        """What this entry's request has to send, itself first."""
        self.outcome: Outcome = UnavailableError("the call that this entry was part of was broken off")


class GroupCommit:
    """Sends entries in groups. Safe to use from several threads; it has none of its own."""

    def __init__(self, send: SendGroup, limits: GroupLimits | None = None) -> None:
        """Send by `send`, which returns an outcome per body, in order, or raises for all of them."""
        self._send = send
        self._limits = limits or GroupLimits()
        self._lock = threading.Lock()
        self._calls = 0
        self._waiting: deque[_Entry] = deque()
        self._waiting_bytes = 0

    def commit(self, body: str, size_bytes: int) -> None:
        """Return once the entry is durable.

        Raises:
            UnavailableError: Too much waits already, or it waited too long; it was not sent. Or its own sending failed so.
            Exception: What else `send` made of this entry.
        """
        entry = _Entry(body, size_bytes)
        with self._lock:
            if self._calls < self._limits.calls_at_once:  # then nothing waits
                self._calls += 1
                entry.group = [entry]
            else:
                self._enqueue(entry)
        if not entry.group:
            self._wait(entry)
        if entry.group:
            self._send_group(entry.group)
        if entry.outcome is not None:
            raise entry.outcome

    def _enqueue(self, entry: _Entry) -> None:
        if len(self._waiting) >= self._limits.waiting_entries or self._waiting_bytes + entry.size_bytes > self._limits.waiting_bytes:
            raise UnavailableError(f"{len(self._waiting)} entries of {self._waiting_bytes} bytes wait for the queue already")
        self._waiting.append(entry)
        self._waiting_bytes += entry.size_bytes

    def _wait(self, entry: _Entry) -> None:
        """Return when the entry was sent, or its request is to send a group."""
        if entry.ready.wait(self._limits.waiting_seconds):
            return
        with self._lock:
            withdrawn = entry in self._waiting
            if withdrawn:
                self._waiting.remove(entry)
                self._waiting_bytes -= entry.size_bytes
        if withdrawn:
            raise UnavailableError(f"waited {self._limits.waiting_seconds} s for the queue")
        entry.ready.wait()

    def _send_group(self, group: Sequence[_Entry]) -> None:
        try:
            for entry, outcome in zip(group, self._send([entry.body for entry in group]), strict=True):
                entry.outcome = outcome
        except Exception as error:  # noqa: BLE001 - raised again by each request of the group
            for entry in group:
                entry.outcome = error
        finally:
            self._hand_over()
            for entry in group:
                entry.group = []
                entry.ready.set()

    def _hand_over(self) -> None:
        """Let the first of those that wait send the next group, or set the call free."""
        with self._lock:
            group = self._take_group()
            if not group:
                self._calls -= 1
                return
        group[0].group = group
        group[0].ready.set()

    def _take_group(self) -> list[_Entry]:
        group: list[_Entry] = []
        size_bytes = 0
        while self._waiting and len(group) < self._limits.group_entries:
            if group and size_bytes + self._waiting[0].size_bytes > self._limits.group_bytes:
                break
            entry = self._waiting.popleft()
            size_bytes += entry.size_bytes
            group.append(entry)
        self._waiting_bytes -= size_bytes
        return group
