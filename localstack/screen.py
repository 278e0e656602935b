"""What the launcher says: one line per piece, with how it stands in for AWS."""

import time
from typing import Literal

from rich.console import Console

Kind = Literal["real", "emulated", "bridged", "stub", "tool"]
_STYLES: dict[str, str] = {"real": "green", "emulated": "cyan", "bridged": "yellow", "stub": "red", "tool": "dim"}


class Screen:
    """Prints progress; in colour on a terminal, plain elsewhere."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        """Print a line of detail."""
        self._console.print(f"    {text}", style="dim", markup=False)

    def head(self, text: str) -> None:
        """Print what begins now, with the seconds since the launcher began."""
        self._console.print(f"[{time.monotonic() - self._began:6.1f} s] {text}", markup=False)

    def piece(self, name: str, kind: Kind, detail: str) -> None:
        """Print the line of one piece."""
        self._console.print(f"  {name:<16} ", end="", markup=False)
        self._console.print(f"{kind:<9}", style=_STYLES[kind], end="")
        self._console.print(f" {detail}", markup=False)

    def fail(self, text: str) -> None:
        """Print why it did not work."""
        self._console.print(text, style="red", markup=False)
