"""Waiting for jobs, with their progress on standard error."""

from __future__ import annotations

from presage_cli.exits import CliError, Exit
from presage_cli.output import Output
from presage_cli.progress import Meter
from presage_client import Client
from presage_client.errors import JobFailedError, JobTimeoutError
from presage_client.models import JobView


def wait_for(client: Client, job_id: str, output: Output, *, timeout_seconds: float | None = None, cancel_on_timeout: bool = False) -> None:
    """Write a job once it has ended, however it did.

    Raises:
        CliError: The waiting was interrupted; the job goes on.
        JobFailedError: It ended otherwise than by success.
        JobTimeoutError: The time is over.
    """
    try:
        with Meter(f"job {job_id}") as meter:
            job = client.jobs.wait(
                job_id,
                timeout_seconds=timeout_seconds,
                cancel_on_timeout=cancel_on_timeout,
                on_progress=lambda job: meter.tell(job.progress, describe(job)),
            )
    except KeyboardInterrupt:
        raise CliError(
            f"no longer waiting for job {job_id}, which goes on",
            Exit.INTERRUPTED,
            next_step=f"presage jobs wait {job_id}, or presage jobs cancel {job_id}",
        ) from None
    except (JobFailedError, JobTimeoutError) as error:
        if output.as_json:
            output.tell(error.job)
        raise
    output.tell(job)


def describe(job: JobView) -> str:
    """Return how a job is, in a few words."""
    return f"{job.state}: {job.message}" if job.message else job.state
