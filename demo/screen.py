"""What the demo prints: a bar for each long piece of work, a line for each fact."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH = 120
"""Columns of output that goes to a file."""

console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH)


class _Display:
    """The one display that a console can have at a time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._users = 0

    @contextmanager
    def open(self) -> Iterator[Progress]:
        """Yield the display, started by the first who uses it."""
        with self._lock:
            if not self._users:
                self._progress = Progress(*_build_columns(), console=console)
                self._progress.start()
            self._users += 1
        try:
            yield self._progress
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._progress.stop()


def _build_columns() -> tuple[ProgressColumn, ...]:
    message = TextColumn("{task.fields[message]}")
    return TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), message


_shared = _Display()


@contextmanager
def bar(what: str, total: float) -> Iterator[Callable[[float, str], None]]:
    """Yield a function (done so far, message) that moves the bar; without a terminal, one line is printed at the end.

    Bars of several threads share the display, which ends with the last of them.
    """
    with _shared.open() as progress:
        task = progress.add_task(what, total=total, message="")

        def move(done: float, message: str) -> None:
            progress.update(task, completed=done, message=message)

        yield move


def say(line: str) -> None:
    """Print one line."""
    console.print(line)


def show_table(title: str, rows: list[tuple[str, str]]) -> None:
    """Print facts, one a row."""
    table = Table(title=title, show_header=False, title_justify="left", pad_edge=False)
    for name, value in rows:
        table.add_row(name, value)
    console.print(table)
