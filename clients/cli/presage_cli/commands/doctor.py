"""`presage doctor`."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from presage_cli.checkout import find_checkout
from presage_cli.checks import check_key
from presage_cli.environment import read_environment
from presage_cli.errors import find_exit
from presage_cli.exits import Exit
from presage_cli.options import AsJson, ProfileName
from presage_cli.output import Output
from presage_cli.profiles import Profile, choose_profile
from presage_cli.session import NAMES, VARIABLES, build_client
from presage_client import Client, RetryPolicy
from presage_client.errors import PresageError


def register(app: typer.Typer, _name: str) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(*, as_json: AsJson = False, profile: ProfileName = None) -> None:
    """Say which profile counts, whether both APIs answer and how fast, and as whom.

    In a checkout of Presage also what this machine lacks, and which pieces of a running stack are real, bridged or missing. Ends
    with the exit code of the first thing that is wrong.
    """
    name, chosen = choose_profile(read_environment(), profile)
    findings = [{"piece": "profile", "state": "found" if name or chosen != Profile() else "missing", "detail": name or "environment"}]
    findings += [check_api("workspace", chosen, ask_workspace), check_api("public", chosen, ask_key)]
    code = next((each.pop("exit_code") for each in findings if each.get("exit_code")), Exit.OK)
    checkout = find_checkout(Path.cwd())
    findings += [look_at(checkout, command) for command in ("doctor", "status")] if checkout else []
    for each in findings:
        each.pop("exit_code", None)
    told = [{key: value for key, value in each.items() if key != "lines"} for each in findings]
    Output(as_json).tell(findings if as_json else told)
    for each in findings if not as_json else ():
        sys.stdout.write("".join(f"{line}\n" for line in each.get("lines", ())))
    sys.exit(code)


def check_api(api: str, profile: Profile, ask: Callable[[Client], str]) -> dict[str, Any]:
    """Return whether an API answers, how fast, and what it says."""
    piece, told = NAMES[api].removeprefix("the "), profile.workspace if api == "workspace" else profile.public
    if told is None:
        return {"piece": piece, "state": "not set", "detail": f"presage log-in, or set {VARIABLES[api]}"}
    began = time.monotonic()
    try:
        with build_client(profile, policy=RetryPolicy(attempts=1)) as client:
            state, detail, code = "reached", ask(client), 0
    except PresageError as error:
        state, detail, code = "failed", str(error), find_exit(error) or Exit.FAILED
    return {
        "piece": piece,
        "state": state,
        "ms": round(1000 * (time.monotonic() - began)),
        "url": told[0],
        "detail": detail,
        "exit_code": code,
    }


def ask_workspace(client: Client) -> str:
    """Return whose workspace it is, and as whom it is called."""
    workspace = client.workspace.get()
    return (
        f"workspace {workspace.name} ({workspace.workspace_id}), as {workspace.user.name} <{workspace.user.email}>, {workspace.user.role}"
    )


def ask_key(client: Client) -> str:
    """Return that the key is known."""
    check_key(client)
    return "the key is known"


def look_at(checkout: Path, command: str) -> dict[str, Any]:
    """Return what the checkout's launcher says."""
    python = checkout / ".venv" / "bin" / "python"
    if not python.exists():
        return {"piece": f"machine {command}", "state": "not set up", "detail": f"make setup in {checkout}"}
    ran = subprocess.run(  # noqa: S603 - the checkout's own program
        [str(python), "-m", "localstack", command], cwd=checkout, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    state = "fine" if ran.returncode == 0 else "lacking"
    return {"piece": f"machine {command}", "state": state, "detail": str(checkout), "lines": (ran.stdout + ran.stderr).splitlines()}
