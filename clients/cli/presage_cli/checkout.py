"""A checkout of Presage, around the folder that a command is called in."""

from pathlib import Path

MARKS = ("Makefile", "localstack/__main__.py", "demo/__main__.py")


def find_checkout(start: Path) -> Path | None:
    """Return the nearest folder above that is a checkout."""
    return next((folder for folder in (start, *start.parents) if all((folder / mark).is_file() for mark in MARKS)), None)
