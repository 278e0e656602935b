"""Asks before what cannot be undone."""

import sys

import typer

from presage_cli.exits import CliError, Exit


def confirm(what: str, *, yes: bool) -> None:
    """Return if it is wanted.

    Raises:
        CliError: It is not, or nobody can be asked.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise CliError(f"{what}: nobody can be asked whether to go on", Exit.USAGE, next_step="add --yes")
    if not typer.confirm(f"{what}. Go on?", err=True):
        raise CliError("nothing was done", Exit.FAILED)
