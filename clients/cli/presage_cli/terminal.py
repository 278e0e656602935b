"""The terminal: colours only on one, none under NO_COLOR, and nothing that an answer could steer it by."""

import re
import sys

from rich.console import Console

WIDE = 10_000
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def build_console(*, stderr: bool = False) -> Console:
    """Return a console; what is no terminal is as wide as it must be, so that nothing is cut or wrapped."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream,
        width=None if stream.isatty() else WIDE,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=stderr,
        legacy_windows=False,
    )


def clean(text: str) -> str:
    """Return a text without characters that steer terminals."""
    return CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def say(text: str) -> None:
    """Tell something that is no data."""
    build_console(stderr=True).print(clean(text))
