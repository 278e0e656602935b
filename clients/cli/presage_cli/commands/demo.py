"""`presage demo`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Annotated, Literal

import typer

from presage_cli.checkout import find_checkout
from presage_cli.exits import CliError, Exit


def register(app: typer.Typer, _name: str) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(*, dataset: Annotated[Literal["movielens", "cdnow", "simulated"], typer.Option(help="Whose data.")] = "movielens") -> None:
    """Run the main job on this machine: from data to a concluded experiment.

    Becomes `make demo` of the checkout that it is called in: Ctrl-C and the exit code are make's.
    """
    checkout, make = find_checkout(Path.cwd()), shutil.which("make")
    if checkout is None or make is None:
        lacks = "this folder is in no checkout of Presage" if checkout is None else "`make` is not installed"
        raise CliError(
            f"{lacks}; the demo starts the whole platform on this machine",
            Exit.USAGE,
            next_step="on Debian 12, clone the repository, go into it, and call `presage demo` or `make demo` there",
        )
    os.execv(make, [make, "--no-print-directory", "-C", str(checkout), "demo", f"DATASET={dataset}"])  # noqa: S606 - becoming make is the point
