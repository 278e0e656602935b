"""Sends records, and writes those that were not taken to a file, each with its reason."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from presage_cli.exits import CliError, Exit
from presage_cli.record_files import Line
from presage_client.record_writer import RecordWriter
from presage_client.records import Refusal

HOPELESS = {
    "unauthenticated": Exit.DENIED,
    "forbidden": Exit.DENIED,
    "key_expired": Exit.DENIED,
    "scope_missing": Exit.DENIED,
    "not_found": Exit.NOT_FOUND,
    "quota_exceeded": Exit.RATE_LIMITED,
    "ConnectionFailedError": Exit.UNAVAILABLE,
    "unavailable": Exit.UNAVAILABLE,
}
"""Reasons of a whole batch: what follows would fare no better, so no more is read."""
UNREADABLE = "unreadable"


class Refusals:
    """The file of what was not taken, made for the first of it. Two threads write it: the reader and the writer's own."""

    def __init__(self, path: Path) -> None:
        self.path, self.count = path, 0
        self.hopeless: Refusal | None = None
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None

    def take(self, refusals: Sequence[Refusal]) -> None:
        """Write what the API did not take."""
        for each in refusals:
            self._write({"code": each.code, "message": each.message, "path": each.path, "record": each.record})
            if each.code in HOPELESS:
                self.hopeless = each

    def take_line(self, line: Line, problem: str) -> None:
        """Write a line that was not sent."""
        self._write({"code": UNREADABLE, "message": problem, "line": line.number, "text": line.text.encode(errors="replace").decode()})

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()

    def _write(self, refusal: dict[str, Any]) -> None:
        with self._lock:
            if self._file is None:
                self._file = self.path.open("wb")
            self._file.write(msgspec.json.encode(refusal) + b"\n")
            self.count += 1


@dataclass
class Sending:
    """How far it is."""

    read: int = 0


def send(lines: Iterable[Line], writer: RecordWriter, refusals: Refusals, sending: Sending) -> Iterable[int]:
    """Write each line's record, and yield how many lines were read, until there are none or it is hopeless."""
    for line in lines:
        if refusals.hopeless is not None:
            return
        sending.read += 1
        if line.record is None:
            refusals.take_line(line, line.problem)
        else:
            try:
                writer.write_record(line.record)
            except ValueError as error:  # what cannot be sent; nothing was taken
                refusals.take_line(line, str(error))
        yield sending.read


def judge(sending: Sending, refusals: Refusals) -> None:
    """Return if all is well.

    Raises:
        CliError: Records were not taken, or not all were read.
    """
    where = f"{refusals.path} has each with its reason"
    if refusals.hopeless is not None:
        raise CliError(
            f"{refusals.hopeless.message} {sending.read} records were read, {refusals.count} of them not taken; {where}",
            HOPELESS[refusals.hopeless.code],
            next_step="mend that, then send the whole file again: with record_id, or as they are, records land once",
        )
    if refusals.count:
        raise CliError(
            f"{refusals.count} of {sending.read} records were not taken; {where}",
            Exit.REFUSED,
            next_step="mend them and send them again",
        )


def tell_interrupt(sending: Sending, file: str) -> CliError:
    """Return what an interrupted sending says."""
    return CliError(
        f"interrupted after {sending.read} records, all of which were sent",
        Exit.INTERRUPTED,
        next_step=f"send {file} again: with record_id, or as they are, records land once",
    )
