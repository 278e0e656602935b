"""`presage jobs wait`."""

from typing import Annotated

import typer

from presage_cli.options import AsJson, ProfileName, Target, Timeout
from presage_cli.output import Output
from presage_cli.session import open_client
from presage_cli.waiting import wait_for


def register(app: typer.Typer, _name: str) -> None:
    """Add what is written by hand for jobs."""
    app.command()(wait)


def wait(
    *,
    job_id: Annotated[str, typer.Argument(metavar="JOB_ID", show_default=False)],
    timeout: Timeout = None,
    cancel_on_timeout: Annotated[bool, typer.Option("--cancel-on-timeout", help="Ask the job to stop when the time is over.")] = False,
    target: Target = None,
    as_json: AsJson = False,
    profile: ProfileName = None,
) -> None:
    """Wait until a job has ended; its end is the exit code."""
    with open_client(profile, api="workspace") as client:
        wait_for(client, job_id, Output(as_json, target), timeout_seconds=timeout, cancel_on_timeout=cancel_on_timeout)
