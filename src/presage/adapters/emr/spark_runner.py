"""Steps as job runs of an EMR Serverless application."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from presage.adapters.client import translate_errors
from presage.adapters.emr.steps import StepPrograms
from presage.training.ports import RunState

if TYPE_CHECKING:
    from types_boto3_emr_serverless import EMRServerlessClient

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
    """`SparkRunner` on one application."""

    def __init__(self, client: EMRServerlessClient, *, application_id: str, execution_role_arn: str, programs: StepPrograms) -> None:
        """Run `programs` on the application, under the role."""
        self._client = client
        self._application_id = application_id
        self._execution_role_arn = execution_role_arn
        self._programs = programs

    def start_step(self, step: str, arguments: Mapping[str, str], *, token: str) -> str:
        """Start the step and return the run's id. Idempotency: EMR starts one run a token.

        Raises:
            NotFoundError: There is no such step.
        """
        program, words = self._programs.build_command(step, arguments)
        with translate_errors(f"start step {step}"):
            run = self._client.start_job_run(
                applicationId=self._application_id,
                clientToken=token,
                executionRoleArn=self._execution_role_arn,
                name=step,
                jobDriver={
                    "sparkSubmit": {
                        "entryPoint": program,
                        "entryPointArguments": words,
                        "sparkSubmitParameters": " ".join(self._programs.build_options(step)),
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
