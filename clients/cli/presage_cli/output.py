"""What a command answers: to be read, or as JSON; on standard output, or in a file."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from presage_cli.rendering import render_one, render_table
from presage_cli.terminal import build_console, clean, say
from presage_client.caller import Pages


@dataclass(frozen=True)
class Output:
    """Where answers go and in which form."""

    as_json: bool = False
    target: Path | None = None

    def tell(self, answer: Any) -> None:  # noqa: ANN401 - any operation's
        """Write one answer: a text as it is, anything else as JSON or to be read."""
        if self.target is not None or self.as_json:
            plain = isinstance(answer, str) and not self.as_json
            self._write([answer if plain else encode(answer, indent=2) + "\n"])
        elif isinstance(answer, str):
            sys.stdout.write((clean(answer) if sys.stdout.isatty() else answer).removesuffix("\n") + "\n")
        elif answer is None:
            say("done")
        else:
            build_console().print(render_one(msgspec.to_builtins(answer)))

    def tell_all(self, pages: Pages[Any], *, most: int | None) -> None:
        """Write a list: as NDJSON while it is read, or as a table; nothing is read beyond `most` items."""
        items = Listing(pages, most)
        if self.target is not None or self.as_json:
            self._write(encode(item) + "\n" for item in items)
        else:
            rows = [msgspec.to_builtins(item) for item in items]
            build_console().print(render_table(rows)) if rows else say("there are none")
        if items.has_more:
            say(f"there are more than these {most}; --all shows them")

    def _write(self, pieces: Iterable[str]) -> None:
        if self.target is None:
            for piece in pieces:
                sys.stdout.write(piece)
            return
        write_whole(self.target, pieces)
        say(f"written to {self.target}")


class Listing:
    """The first items of a list of the API; `has_more` tells afterwards whether there were others."""

    def __init__(self, pages: Pages[Any], most: int | None) -> None:
        self._pages, self._most = pages, most
        self.has_more = False

    def __iter__(self) -> Iterator[Any]:
        """Yield them."""
        left = self._most
        for page in self._pages.pages():
            yield from islice(page.items, left)
            if left is not None:
                beyond, left = len(page.items) - left, left - len(page.items)
                if left <= 0:
                    self.has_more = beyond > 0 or page.next is not None
                    return


def encode(answer: Any, *, indent: int = 0) -> str:  # noqa: ANN401 - any operation's
    """Return an answer as JSON."""
    content = msgspec.json.encode(answer)
    return (msgspec.json.format(content, indent=indent) if indent else content).decode()


def write_whole(target: Path, pieces: Iterable[str]) -> None:
    """Write a file that is there once it is whole."""
    part = target.with_name(f"{target.name}.part")
    try:
        with part.open("w") as file:
            file.writelines(pieces)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
