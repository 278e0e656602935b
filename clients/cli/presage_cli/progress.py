"""How far something is: a bar on a terminal, a line now and then elsewhere; on standard error."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from presage_cli.terminal import build_console, clean, say

STEP = 0.25
"""What has to be done between two lines."""


class Meter:
    """Tells how far something is, between 0 and 1, and what it does."""

    def __init__(self, what: str) -> None:
        self._what, self._said = what, ("", -1.0)
        self._bar: Progress | None = None
        if sys.stderr.isatty():
            columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=build_console(stderr=True), transient=True)
            self._task = self._bar.add_task(what, total=1.0)

    def tell(self, fraction: float, message: str = "") -> None:
        """Tell how far it is."""
        text = f"{self._what}: {message}" if message else self._what
        if self._bar is not None:
            self._bar.update(self._task, completed=fraction, description=clean(text))
        elif message != self._said[0] or fraction >= self._said[1] + STEP:
            self._said = (message, fraction)
            say(f"{text} ({fraction:.0%})")

    def __enter__(self) -> Self:
        """Show it."""
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Show it no more."""
        if self._bar is not None:
            self._bar.stop()
