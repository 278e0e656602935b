"""The whole error tree. It knows nothing of HTTP, SQS or Lambda: `presage.runtime` maps it to them.

Reachable from Spark steps: keep it importable on Python 3.9 (docs/adr/0005).
"""

from __future__ import annotations


class PresageError(Exception):
    """Base of every error this library raises on purpose.

    `code` is stable and public: clients branch on it. The message carries the offending value and what was expected.
    """

    code = "internal"


class InvalidInputError(PresageError):
    """The caller sent something that can never be accepted as it is."""

    code = "invalid_input"

    def __init__(self, message: str, *, path: str | None = None, code: str | None = None) -> None:
        """Keep `path`, a JSONPath such as `$.records[3].event_timestamp`, and a `code` more exact than the class's, if any."""
        super().__init__(message)
        self.path = path
        if code is not None:
            self.code = code


class ResponseTooLargeError(InvalidInputError):
    """What was asked for is more than a dependency gives at once; asking for less can succeed."""

    code = "response_too_large"


class NotFoundError(PresageError):
    """The named thing does not exist in this workspace (another workspace's things do not exist either)."""

    code = "not_found"


class AlreadyExistsError(PresageError):
    """A thing of that name or id exists already."""

    code = "already_exists"


class ConflictError(PresageError):
    """The thing is in a state in which this cannot be done, or changed while we looked."""

    code = "conflict"


class CallInFlightError(ConflictError):
    """The same call is being executed; its answer is there a moment later."""

    code = "call_in_flight"
    retry_after_seconds = 0.5


class ForbiddenError(PresageError):
    """The caller is known but may not do this."""

    code = "forbidden"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        """Keep a `code` more exact than the class's, if any."""
        super().__init__(message)
        if code is not None:
            self.code = code


class UnauthenticatedError(PresageError):
    """The caller is not known."""

    code = "unauthenticated"


class UnavailableError(PresageError):
    """A dependency did not answer; trying again later can succeed."""

    code = "unavailable"


class OverloadedError(UnavailableError):
    """There is more to do than can be done in time; the message is for the caller."""

    code = "overloaded"


class RateLimitedError(PresageError):
    """The caller asked more often than its plan allows."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        """Keep when asking again can succeed."""
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class JournalFullError(UnavailableError):
    """What was answered piles up locally, as it cannot be handed over: nothing more is taken until it can."""

    code = "journal_full"


class CorruptArtifactError(PresageError):
    """Stored bytes do not match their checksum or their declared format."""

    code = "corrupt_artifact"


class ChecksumError(CorruptArtifactError):
    """Stored bytes have another SHA-256 than what names them says."""

    def __init__(self, key: str, *, expected: str, found: str) -> None:
        """Keep the object's key and both checksums."""
        super().__init__(f"{key}: sha256 {found}, expected {expected}")
        self.key, self.expected, self.found = key, expected, found


class MissingArtifactError(CorruptArtifactError):
    """Stored bytes that others name are not there."""


class JobCancelledError(PresageError):
    """A user cancelled the job; the work stopped at a safe point."""

    code = "job_cancelled"


class WorkerStoppingError(PresageError):
    """The worker is being stopped; the work ended at a safe point and another worker will take it up."""

    code = "worker_stopping"
