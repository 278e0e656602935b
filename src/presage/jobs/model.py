"""Background jobs and what users are told about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from presage.listing import ListShape

JOB_LIST = ListShape("job_id", sorts=("created_at", "kind", "state"), searched=("kind", "message"), filters=("state", "kind"))
NOTIFICATION_LIST = ListShape("notification_id", sorts=("created_at", "event"), searched=("subject", "body"), filters=("event",))

JobKind = Literal[
    "import_file",
    "import_amplitude",
    "import_warehouse",
    "build_model",
    "analyse_experiment",
    "estimate_off_policy",
    "check_drift",
    "predict_batch",
    "refresh_snapshot",
]
JobState = Literal["queued", "running", "succeeded", "failed", "cancelled", "quarantined"]
"""`quarantined`: an import ended, nothing of it landed, and somebody is to look at what it found (docs/adr/0034)."""
RETRIABLE: frozenset[JobState] = frozenset({"failed", "cancelled"})
"""How a job ended that may be submitted again. What is in quarantine is decided on there."""


@dataclass(frozen=True, slots=True)
class Job:
    """One background job. The row is its own outbox: it is published while `published_at` is null.

    A worker owns a running job until `lease_until`; `checkpoint` holds what finished steps left, so that a retry resumes.
    `retry_of` and `retried_as` name the job before and the one after, if a user had it submitted again.
    """

    workspace_id: str
    job_id: str
    kind: JobKind
    arguments: Mapping[str, object]
    state: JobState
    progress: float
    message: str
    attempts: int
    checkpoint: Mapping[str, object]
    result: Mapping[str, object]
    created_by: str
    created_at: datetime
    published_at: datetime | None
    lease_owner: str | None
    lease_until: datetime | None
    finished_at: datetime | None
    cancel_requested: bool
    retry_of: str | None = None
    retried_as: str | None = None


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """A queue as its operator sees it: messages that wait, that somebody works on, and that nobody could process. All approximate."""

    name: str
    waiting: int
    in_flight: int
    dead_letters: int


@dataclass(frozen=True, slots=True)
class Notification:
    """A line for a user: a job ended, an experiment concluded. `notification_id` is derived from its cause (idempotent).

    `event` is what channels choose by: `<kind of job>.<how it ended>`.
    """

    workspace_id: str
    notification_id: str
    user_id: str
    subject: str
    body: str
    created_at: datetime
    read_at: datetime | None
    event: str
