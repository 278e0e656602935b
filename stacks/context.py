"""Reads what `cdk` is given as `-c name=value`."""

from collections.abc import Callable

ReadContext = Callable[[str], object]


def read_text(read_context: ReadContext, name: str, default: str) -> str:
    """Return the value as text."""
    value = read_context(name)
    return default if value is None else str(value)


def read_optional(read_context: ReadContext, name: str) -> str | None:
    """Return the value as text, or None without one."""
    value = read_context(name)
    return None if value is None else str(value)


def read_number(read_context: ReadContext, name: str, default: int = 0) -> int:
    """Return the value as a number, or raise `ValueError`."""
    return int(read_text(read_context, name, str(default)))
