"""The message that tells a worker of a job. All else is in the job's row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from presage.jobs.model import JobKind


@dataclass(frozen=True, slots=True)
class JobMessage:
    """`{"schema": 1, "workspace_id", "job_id", "kind"}`."""

    schema: Literal[1]
    workspace_id: str
    job_id: str
    kind: JobKind
