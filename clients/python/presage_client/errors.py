"""What can go wrong, by kind, each with what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from presage_client.models import JobView
    from presage_client.records import Refusal


class PresageError(Exception):
    """Anything that the client raises."""


class ConnectionFailedError(PresageError):
    """No answer came, however often it was asked."""


class UnexpectedAnswerError(PresageError):
    """The answer is not what the API's document promises."""


class FileTransferError(PresageError):
    """A file did not reach storage, or did not come from it; the URL is not told, as it is a credential."""


class JobFailedError(PresageError):
    """A job ended otherwise than by success; `job` is as it was then."""

    def __init__(self, job: JobView) -> None:
        self.job = job
        step = "look at its load under the dataset's quarantine" if job.state == "quarantined" else "its message says what to change"
        super().__init__(f"job {job.job_id} ({job.kind}) is {job.state}: {job.message}; {step}")


class JobTimeoutError(PresageError):
    """A job was waited for in vain; `job` is as it was last seen, and goes on unless it was cancelled."""

    def __init__(self, job: JobView) -> None:
        self.job = job
        asked = ", and was asked to stop" if job.cancel_requested else ""
        super().__init__(f"job {job.job_id} ({job.kind}) is still {job.state} at {job.progress:.0%}{asked}")


class RecordsRefusedError(PresageError):
    """Records were not taken; `refusals` has each with its reason."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        self.refusals = list(refusals)
        codes = ", ".join(f"{count} {code}" for code, count in Counter(refusal.code for refusal in self.refusals).most_common())
        super().__init__(f"{len(self.refusals)} records were not taken ({codes}); `refusals` has them. First: {self.refusals[0].message}")


class WriterTimeoutError(PresageError):
    """A record writer did not get rid of its records in time; it still has them."""


class ProblemError(PresageError):
    """The API refused a call (RFC 9457)."""

    next_step = "Read the detail; the request id finds the call in the logs."

    def __init__(self, status: int, problem: dict[str, Any], *, retry_after_seconds: float | None) -> None:
        self.status = status
        self.code = str(problem.get("code", "unknown"))
        self.detail = str(problem.get("detail", problem.get("title", "")))
        self.path: str | None = problem.get("path")
        self.request_id: str | None = problem.get("request_id")
        self.results: list[dict[str, Any]] = problem.get("results", [])
        self.retry_after_seconds = retry_after_seconds
        place = f" at {self.path}" if self.path else ""
        super().__init__(f"{status} {self.code}{place}: {self.detail} {self.next_step} (request {self.request_id})")


class InvalidInputError(ProblemError):
    """The request is not of the promised form."""

    next_step = "Change what the path names and call again."


class UnauthenticatedError(ProblemError):
    """The credential is missing or wrong."""

    next_step = "Check the token or API key that the client was made with."


class ForbiddenError(ProblemError):
    """The credential does not allow this."""

    next_step = "Use a credential that may do this: a token of a user with the permission, or a key with the scope."


class NotFoundError(ProblemError):
    """There is no such thing in this workspace."""

    next_step = "Check the id, and that the credential is of its workspace."


class ConflictError(ProblemError):
    """The state of things does not allow this now."""

    next_step = "Read the thing's state, then decide again."


class RateLimitedError(ProblemError):
    """The key's plan allows no more calls now."""

    next_step = "Wait for `retry_after_seconds`, or send less."


class UnavailableError(ProblemError):
    """The platform could not answer."""

    next_step = "Call again later; if the call creates something, look first whether it did."


KINDS: dict[int, type[ProblemError]] = {
    401: UnauthenticatedError,
    403: ForbiddenError,
    404: NotFoundError,
    408: UnavailableError,
    409: ConflictError,
    429: RateLimitedError,
}
SERVER_ERRORS = 500


def build_problem(status: int, content: bytes, *, retry_after_seconds: float | None) -> ProblemError:
    """Return the error that an answer tells; one that is no problem document keeps its status."""
    try:
        problem = msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.MsgspecError:
        problem = {}
    kind = KINDS.get(status, UnavailableError if status >= SERVER_ERRORS else InvalidInputError)
    return kind(status, problem, retry_after_seconds=retry_after_seconds)
