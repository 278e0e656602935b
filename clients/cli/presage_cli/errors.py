"""Tells what went wrong, on standard error, and with which exit code the command ends."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.text import Text

from presage_cli.exits import CliError, Exit
from presage_cli.terminal import build_console, clean
from presage_client import errors as e

KINDS: dict[type[BaseException], Exit] = {
    e.InvalidInputError: Exit.REFUSED,
    e.UnauthenticatedError: Exit.DENIED,
    e.ForbiddenError: Exit.DENIED,
    e.NotFoundError: Exit.NOT_FOUND,
    e.ConflictError: Exit.CONFLICT,
    e.RateLimitedError: Exit.RATE_LIMITED,
    e.UnavailableError: Exit.UNAVAILABLE,
    e.ConnectionFailedError: Exit.UNAVAILABLE,
    e.FileTransferError: Exit.UNAVAILABLE,
    e.WriterTimeoutError: Exit.UNAVAILABLE,
    e.RecordsRefusedError: Exit.REFUSED,
    e.JobTimeoutError: Exit.TIMED_OUT,
    e.PresageError: Exit.FAILED,
    OSError: Exit.USAGE,
}
NEXT_STEPS: dict[type[e.ProblemError], str] = {
    e.UnauthenticatedError: "Look at the credentials with `presage doctor`, and renew them with `presage log-in`."
}
"""What to do here, where the client's own advice is for programs."""
STATES = {"cancelled": Exit.CANCELLED, "quarantined": Exit.QUARANTINED}


def find_exit(error: BaseException) -> int | None:
    """Return the exit code that stands for an error; None for one that is a fault of this program."""
    if isinstance(error, e.JobFailedError):
        return STATES.get(error.job.state, Exit.FAILED)
    told = getattr(error, "exit_code", None)  # of our own errors, and of Typer's
    if isinstance(told, int):
        return int(told)
    return next((code for kind, code in KINDS.items() if isinstance(error, kind)), None)


def describe(error: BaseException) -> dict[str, Any]:
    """Return an error as data."""
    if isinstance(error, e.ProblemError):
        wait = f" {error.retry_after_seconds:g} s were asked for." if error.retry_after_seconds else ""
        return {
            "message": error.detail,
            "code": error.code,
            "status": error.status,
            "path": error.path,
            "request_id": error.request_id,
            "next_step": NEXT_STEPS.get(type(error), error.next_step) + wait,
        }
    if isinstance(error, CliError):
        return {"message": str(error), "next_step": error.next_step or None}
    told = getattr(error, "format_message", None)  # Typer's
    return {"message": told() if told else str(error)}


def tell(error: Exception, *, as_json: bool) -> int:
    """Write an error to standard error and return the exit code.

    Raises:
        Exception: The error, if it is a fault of this program.
    """
    code = find_exit(error)
    if code is None:
        raise error
    told = {name: value for name, value in describe(error).items() if value is not None}
    if as_json:
        sys.stderr.write(json.dumps({"error": {**told, "exit_code": code}}, ensure_ascii=False) + "\n")
        return code
    console = build_console(stderr=True)
    place = f" (at {told['path']})" if "path" in told else ""
    console.print(Text.assemble(("error: ", "bold red"), clean(f"{told['message']}{place}")))
    facts = [f"{name.replace('_', ' ')} {told[name]}" for name in ("status", "code", "request_id") if name in told]
    if facts:
        console.print(Text(clean(", ".join(facts)), style="dim"))
    if "next_step" in told:
        console.print(Text.assemble(("what to do: ", "bold"), clean(told["next_step"])))
    return code
