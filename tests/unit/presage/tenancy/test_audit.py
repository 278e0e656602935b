"""Chains of audit entries: anybody can verify one, and nothing can be changed, dropped or put in without it being seen."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from presage.adapters.memory.audit_log import MemoryAuditLog
from presage.tenancy.audit import GENESIS, LONGEST_VALUE, Head, Verification, encode_line, verify_chain
from tests.fixtures.audited import ask, end, make_act

Lines = list[dict[str, Any]]


@pytest.fixture
def log() -> MemoryAuditLog:
    """Three acts: done, refused, and one without an end."""
    log = MemoryAuditLog()
    end(log, ask(log, "ws_1", make_act(role="admin", share=0.1, weights={"b": 1e-9, "a": 1.0}, name="Café 😀")))
    end(log, ask(log, "ws_1"), status=403, code="forbidden")
    ask(log, "ws_1")
    return log


def export(log: MemoryAuditLog) -> list[bytes]:
    return [encode_line(entry) for entry in log.iterate("ws_1")]


def rehash(fields: dict[str, Any]) -> dict[str, Any]:
    """Hash an entry as the documentation says, without our code."""
    rest = {name: value for name, value in fields.items() if name != "sha256"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return {**rest, "sha256": hashlib.sha256(text.encode()).hexdigest()}


def test_a_chain_is_sound_and_its_head_is_its_last_entry(log: MemoryAuditLog) -> None:
    entries = list(log.iterate("ws_1"))

    assert [entry.sequence for entry in entries] == [1, 2, 3, 4, 5]
    assert [entry.outcome for entry in entries] == ["asked", "done", "asked", "refused", "asked"]
    assert [entry.refers_to for entry in entries] == [None, 1, None, 3, None]
    assert [entry.previous_sha256 for entry in entries] == [GENESIS, *(entry.sha256 for entry in entries[:-1])]
    assert (entries[1].detail, entries[1].status) == ({"location": "/api/v1/users/usr_3"}, 201)
    assert verify_chain(export(log)) == Verification(is_sound=True, head=Head(5, entries[-1].sha256), unended=1)


def test_an_entry_is_hashed_as_the_documentation_says(log: MemoryAuditLog) -> None:
    for line in export(log):
        fields = json.loads(line)
        assert rehash(fields) == fields
        assert fields["at"] == "2026-03-01T12:30:15.123456Z"


def test_nothing_is_a_sound_chain() -> None:
    assert verify_chain([]) == Verification(is_sound=True, head=Head(), unended=0)


def change(place: int, **values: object) -> Callable[[Lines], Lines]:
    return lambda lines: [*lines[:place], lines[place] | values, *lines[place + 1 :]]


def forge(place: int, **values: object) -> Callable[[Lines], Lines]:
    return lambda lines: [*lines[:place], rehash(lines[place] | values), *lines[place + 1 :]]


@pytest.mark.parametrize(
    ("tamper", "line", "kind"),
    [
        (change(1, status=500), 2, "altered"),
        (change(0, detail={"role": "owner"}), 1, "altered"),
        (change(4, sha256=GENESIS), 5, "altered"),
        (forge(1, status=500), 3, "unchained"),
        (forge(0, previous_sha256="f" * 64), 1, "unchained"),
        (lambda lines: lines[1:], 1, "gap"),
        (lambda lines: lines[:2] + lines[3:], 3, "gap"),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], 2, "gap"),
        (lambda lines: [*lines, lines[-1]], 6, "gap"),
        (forge(4, workspace_id="ws_2"), 5, "foreign"),
        (forge(3, refers_to=1), 4, "unasked"),
        (forge(3, refers_to=[]), 4, "unreadable"),
        (forge(4, refers_to=1), 5, "unasked"),
        (lambda lines: [*lines[:2], {"sequence": 3}], 3, "unreadable"),
        (lambda lines: [*lines[:2], [1]], 3, "unreadable"),
    ],
)
def test_what_was_tampered_with_is_found_at_its_place(log: MemoryAuditLog, tamper: Callable[[Lines], Lines], line: int, kind: str) -> None:
    entries = list(log.iterate("ws_1"))
    found = verify_chain(json.dumps(fields) for fields in tamper([json.loads(each) for each in export(log)]))

    assert not found.is_sound
    assert found.fault is not None
    assert (found.fault.line, found.fault.kind) == (line, kind)
    if kind != "unchained":
        assert found.head == (Head(entries[line - 2].sequence, entries[line - 2].sha256) if line > 1 else Head())


@pytest.mark.parametrize("text", ["", "{", "null", '{"sequence": NaN}', "[" * 100_000])
def test_what_is_no_entry_is_told_as_such(text: str) -> None:
    found = verify_chain([text])

    assert found.fault is not None
    assert (found.fault.line, found.fault.kind) == (1, "unreadable")


def test_missing_ends_of_a_log_show_by_its_head_only(log: MemoryAuditLog) -> None:
    lines = export(log)

    assert verify_chain(lines[:4]).is_sound
    assert verify_chain(lines[:4]).head != verify_chain(lines).head


def test_what_is_long_is_told_by_its_beginning(log: MemoryAuditLog) -> None:
    nested: list[object] = []
    for _ in range(5000):
        nested = [nested]
    entry = ask(log, "ws_1", make_act(reason="x" * 9000, names=["y" * 300] * 9, days=3, deep=nested))

    assert entry.detail["days"] == 3
    assert entry.detail["deep"] == "…"
    for name, beginning in (("reason", '"xxx'), ("names", '["yyy')):
        told = entry.detail[name]
        assert isinstance(told, str)
        assert (len(told), told[:4], told[-1]) == (LONGEST_VALUE, beginning[:4], "…")
    assert verify_chain(export(log)).is_sound
