r"""What was asked for in a workspace, by whom, and how it ended: entries that are only added, each bound to the one before by its hash.

An entry's hash is the SHA-256 of its other fields as JSON: keys sorted, no spaces, ASCII with `\u` escapes, times as
`2026-01-31T12:00:00.000000Z`. Whoever has the lines of a chain can verify them, with nothing of ours but that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Literal

Outcome = Literal["asked", "done", "refused", "failed"]
"""`asked` is written before anything is done; the others end it: it was done, the caller was refused, or we failed."""
FaultKind = Literal["unreadable", "foreign", "gap", "unchained", "altered", "unasked"]
"""What can be wrong with a line: it is no entry, of another workspace, not the next one, not bound to the one before, changed since it
was hashed, or the end of nothing that was asked and has not ended."""

GENESIS = "0" * 64
"""What the first entry of a workspace is bound to."""
LONGEST_VALUE = 500
"""Characters of a target, or of a told value as JSON; what is longer is told by its beginning."""
BAD_REQUEST, SERVER_ERROR = 400, 500


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a chain; `Head()` of an empty one."""

    sequence: int = 0
    sha256: str = GENESIS


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A call that may change something: who, from where, what and with which of its values, which hold no secrets."""

    at: datetime
    user_id: str
    email: str
    action: str
    targets: Mapping[str, str]
    detail: Mapping[str, object]
    request_id: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of a workspace's audit log. `status`, `code` and `refers_to` (a sequence) are of ends only."""

    workspace_id: str
    sequence: int
    at: datetime
    user_id: str
    email: str
    action: str
    targets: Mapping[str, str]
    detail: Mapping[str, object]
    request_id: str
    address: str
    outcome: Outcome
    status: int | None
    code: str | None
    refers_to: int | None
    previous_sha256: str
    sha256: str


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """Which entries are wanted: of a user, of an action, of the time in [`since`, `until`)."""

    user_id: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a chain is broken first: at which line, from 1, and how."""

    line: int
    kind: FaultKind
    detail: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a chain's lines say of themselves: the head of all that is sound, how many acts have no end, and what is broken, if anything."""

    is_sound: bool
    head: Head
    unended: int
    fault: Fault | None = None


def build_asked(workspace_id: str, act: Act) -> Callable[[Head], AuditEntry]:
    """Return what makes the entry of an act that is about to be done, given the head that it follows."""
    told = {
        **_read_fields(act),
        "targets": {name: shorten(value) for name, value in act.targets.items()},
        "detail": {name: _tell(value) for name, value in act.detail.items()},
    }

    def build(head: Head) -> AuditEntry:
        return _chain(
            AuditEntry(
                workspace_id=workspace_id,
                sequence=head.sequence + 1,
                outcome="asked",
                status=None,
                code=None,
                refers_to=None,
                previous_sha256=head.sha256,
                sha256="",
                **told,
            )
        )

    return build


def build_ended(asked: AuditEntry, *, at: datetime, status: int, code: str | None, location: str | None) -> Callable[[Head], AuditEntry]:
    """Return what makes the entry of an act's end, answered with `status`; `location` is where what it made is."""
    ended = replace(
        asked,
        at=at,
        detail={} if location is None else {"location": shorten(location)},
        outcome=_judge(status),
        status=status,
        code=code,
        refers_to=asked.sequence,
    )
    return lambda head: _chain(replace(ended, sequence=head.sequence + 1, previous_sha256=head.sha256))


def to_wire(entry: AuditEntry) -> dict[str, Any]:
    """Return the entry as JSON-able values, in the form that is hashed and told."""
    return {**_read_fields(entry), "at": f"{entry.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"}


def encode_canonical(value: Mapping[str, object]) -> bytes:
    """Return the one JSON text of these values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def encode_line(entry: AuditEntry) -> bytes:
    """Return the entry as a line of an export, without its end."""
    return encode_canonical(to_wire(entry))


def verify_chain(lines: Iterable[bytes | str]) -> Verification:
    """Return whether the lines of one workspace's export, from its first entry on, are whole and unchanged; stops at the first fault.

    Memory does not grow with the lines. Entries missing at the end do not show: compare the head with one that was noted elsewhere.
    """
    walk = _Walk()
    for number, line in enumerate(lines, 1):
        fault = walk.step(line, number)
        if fault is not None:
            return Verification(is_sound=False, head=walk.head, unended=len(walk.open), fault=fault)
    return Verification(is_sound=True, head=walk.head, unended=len(walk.open))


class _Walk:
    """What is known of a chain behind its lines so far."""

    def __init__(self) -> None:
        self.head = Head()
        self.open: set[int] = set()
        self._workspace_id: str | None = None

    def step(self, line: bytes | str, number: int) -> Fault | None:
        """Go on behind the next line, or return what is wrong with it."""
        try:
            entry = json.loads(line)
            fault = self._judge(entry, hash_fields(entry))
            if fault is None:
                self._follow(entry)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            fault = ("unreadable", f"It is no entry of an audit log: {shorten(str(error))}")
        return None if fault is None else Fault(number, *fault)

    def _judge(self, entry: Mapping[str, Any], found: str) -> tuple[FaultKind, str] | None:
        checks: tuple[tuple[bool, FaultKind, str], ...] = (
            (entry["workspace_id"] == (self._workspace_id or entry["workspace_id"]), "foreign", f"It is of {entry['workspace_id']!r}"),
            (entry["sequence"] == self.head.sequence + 1, "gap", f"It has the sequence {entry['sequence']!r}"),
            (entry["previous_sha256"] == self.head.sha256, "unchained", f"It follows an entry of the hash {entry['previous_sha256']!r}"),
            (entry["sha256"] == found, "altered", f"It is hashed as {entry['sha256']!r}, and what it says as {found}"),
            (self._is_asked(entry), "unasked", f"It ends {entry['refers_to']!r}"),
        )
        return next(((kind, detail) for is_sound, kind, detail in checks if not is_sound), None)

    def _is_asked(self, entry: Mapping[str, Any]) -> bool:
        return entry["refers_to"] in self.open if entry["outcome"] != "asked" else entry["refers_to"] is None

    def _follow(self, entry: Mapping[str, Any]) -> None:
        self._workspace_id = entry["workspace_id"]
        self.head = Head(entry["sequence"], entry["sha256"])
        if entry["outcome"] == "asked":
            self.open.add(entry["sequence"])
        else:
            self.open.discard(entry["refers_to"])


def hash_fields(entry: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an entry's fields but `sha256`, as hexadecimal digits."""
    return hashlib.sha256(encode_canonical({name: value for name, value in entry.items() if name != "sha256"})).hexdigest()


def shorten(text: str) -> str:
    """Return the text, or its beginning if it is longer than what an entry tells."""
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _read_fields(value: Act | AuditEntry) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _chain(entry: AuditEntry) -> AuditEntry:
    return replace(entry, sha256=hash_fields(to_wire(entry)))


def _tell(value: object) -> object:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:  # nested as deep as a body may be
        return "…"
    return value if len(text) <= LONGEST_VALUE else shorten(text)


def _judge(status: int) -> Outcome:
    if status < BAD_REQUEST:
        return "done"
    return "refused" if status < SERVER_ERROR else "failed"
