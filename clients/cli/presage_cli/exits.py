"""How the command line ends."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; docs/cli.md lists them."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    DENIED = 4
    NOT_FOUND = 5
    CONFLICT = 6
    RATE_LIMITED = 7
    UNAVAILABLE = 8
    CANCELLED = 9
    QUARANTINED = 10
    TIMED_OUT = 11
    INTERRUPTED = 130


class CliError(Exception):
    """What the command line itself refuses, with what to do next."""

    def __init__(self, message: str, exit_code: Exit, *, next_step: str = "") -> None:
        self.exit_code, self.next_step = exit_code, next_step
        super().__init__(message)
