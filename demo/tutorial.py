"""Follow a page of the documentation: run its code blocks in their order, as a reader would. `python -m demo.tutorial --help`."""

from __future__ import annotations

import argparse
import re
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path("docs/tutorial.md")
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^## (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code, the heading that it is under, and the number of its first line on the page."""

    language: str
    code: str
    heading: str
    line: int


def list_blocks(text: str) -> Iterator[Block]:
    """Yield a page's blocks of shell and Python."""
    for found in BLOCK.finditer(text):
        headings = HEADING.findall(text, 0, found.start())
        yield Block(found[1], found[2], headings[-1] if headings else "", text.count("\n", 0, found.start(2)) + 1)


def follow(page: Path, *, left_out: Collection[str] = ()) -> dict[str, object]:
    """Run a page's blocks and return the variables of its Python session.

    Args:
        page: The page. Its shell blocks run where this runs, its Python blocks in one session.
        left_out: Lines of shell that are not run, as what they do was done.

    Raises:
        SystemExit: A shell block failed.
        Exception: What a Python block raises.
    """
    blocks, session = list(list_blocks(page.read_text())), dict[str, object]()
    for number, block in enumerate(blocks, 1):
        print(f"[{number}/{len(blocks)}] {page}:{block.line} {block.heading}", flush=True)
        if block.language == "sh":
            _run_shell(block, left_out)
        else:
            code = compile("\n" * (block.line - 1) + block.code, str(page), "exec")
            exec(code, session)  # noqa: S102 - our own documentation
    return session


def _run_shell(block: Block, left_out: Collection[str]) -> None:
    lines = [line for line in block.code.splitlines() if line not in left_out]
    ended = subprocess.run(["/bin/sh", "-ec", "\n".join(lines)], check=False)  # noqa: S603 - our own documentation
    if ended.returncode:
        raise SystemExit(f"line {block.line} of the page: exit {ended.returncode} of\n{block.code}")


def main() -> None:
    """Follow the page that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m demo.tutorial", description="Run the code blocks of a page in their order")
    parser.add_argument("page", nargs="?", type=Path, default=PAGE, help=f"a Markdown file; {PAGE} by default")
    follow(parser.parse_args().page)


if __name__ == "__main__":
    main()
