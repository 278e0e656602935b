"""What a benchmark says: progress on standard error, figures on standard output, all of it as JSON in a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
_WIDTH = 120
_began = time.monotonic()
_errors = Console(stderr=True, highlight=False, soft_wrap=True)
_output = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)


def say(text: str) -> None:
    """Print progress, with the seconds since the start."""
    _errors.print(f"[{time.monotonic() - _began:6.1f} s] {text}", markup=False)


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; numbers stand to the right."""
    table = Table(title=title, title_justify="left", pad_edge=False)
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    _output.print(table)


def show_line(text: str) -> None:
    """Print one line, whatever the width of the terminal."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def keep(name: str, results: object) -> Path:
    """Write the results into a file of their own and return it."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    return path
