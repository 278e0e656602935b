"""Steps as job runs of an EMR Serverless application."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from presage.adapters.client import translate_errors
from presage.errors import NotFoundError
from presage.training.ports import RunState

if TYPE_CHECKING:
    from types_boto3_emr_serverless import EMRServerlessClient

LAKE_SCHEME = "lake://"
_STATES: Mapping[str, RunState] = MappingProxyType(
    {
        "SUBMITTED": "pending",
        "PENDING": "pending",
        "SCHEDULED": "pending",
        "QUEUED": "pending",
        "RUNNING": "running",
        "CANCELLING": "running",
        "SUCCESS": "succeeded",
        "FAILED": "failed",
        "CANCELLED": "cancelled",
    }
)


class EmrSparkRunner:
    """`SparkRunner` on one application. `steps` maps a step's name to the S3 URI of its `step.py`, and `py_files` to their library."""

    def __init__(
        self, client: EMRServerlessClient, *, application_id: str, execution_role_arn: str, steps: Mapping[str, str], lake_bucket: str
    ) -> None:
        """Run steps of the application under the role; `lake://` in their arguments means the lake bucket."""
        self._client = client
        self._application_id = application_id
        self._execution_role_arn = execution_role_arn
        self._steps = steps
        self._lake = f"s3://{lake_bucket}/"

    def start_step(self, step: str, arguments: Mapping[str, str], *, token: str) -> str:
        """Start the step and return the run's id. Idempotency: EMR starts one run a token.

        Raises:
            NotFoundError: There is no such step.
        """
        if step not in self._steps:
            raise NotFoundError(f"no step {step!r}, expected one of {sorted(self._steps)}")
        command = [word for name, value in arguments.items() for word in (f"--{name}", value.replace(LAKE_SCHEME, self._lake))]
        with translate_errors(f"start step {step}"):
            run = self._client.start_job_run(
                applicationId=self._application_id,
                clientToken=token,
                executionRoleArn=self._execution_role_arn,
                name=step,
                jobDriver={
                    "sparkSubmit": {
                        "entryPoint": self._steps[step],
                        "entryPointArguments": command,
                        "sparkSubmitParameters": f"--py-files {self._steps['py_files']}",
                    }
                },
            )
        return run["jobRunId"]

    def get_step_state(self, run_id: str) -> tuple[RunState, str]:
        """Return the state and, for a failed run, why."""
        with translate_errors(f"get run {run_id}"):
            run = self._client.get_job_run(applicationId=self._application_id, jobRunId=run_id)["jobRun"]
        return _STATES[run["state"]], run.get("stateDetails", "")

    def cancel_step(self, run_id: str) -> None:
        """Ask the run to stop; a run that has ended stays as it is."""
        state, _ = self.get_step_state(run_id)
        if state in {"pending", "running"}:
            with translate_errors(f"cancel run {run_id}"):
                self._client.cancel_job_run(applicationId=self._application_id, jobRunId=run_id)
