"""Asks, on standard error, so that standard output has data only."""

import sys

from presage_cli.exits import CliError, Exit


def ask(question: str) -> str:
    """Return what is typed."""
    sys.stderr.write(f"{question} ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def confirm(what: str, *, yes: bool) -> None:
    """Return if it is wanted.

    Raises:
        CliError: It is not, or nobody can be asked.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise CliError(f"{what}: nobody can be asked whether to go on", Exit.USAGE, next_step="add --yes")
    if ask(f"{what}. Go on? [y/N]").lower() not in {"y", "yes"}:
        raise CliError("nothing was done", Exit.FAILED)
