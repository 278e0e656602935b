"""Events that channels choose by: `<kind>.<outcome>`, either of which may be `*`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from presage.errors import InvalidInputError
from presage.jobs.model import JobKind

DISABLED = "webhook.disabled"
TEST = "webhook.test"
"""Sent to the one endpoint that is tested, whatever it chose."""
ALL = ("*.*",)
MOST_PATTERNS = 50

_KINDS = frozenset(get_args(JobKind))
_OUTCOMES = frozenset({"succeeded", "failed", "cancelled", "quarantined"})
EVENTS = frozenset({DISABLED, *(f"{kind}.{outcome}" for kind in _KINDS for outcome in _OUTCOMES)})


def check_patterns(patterns: Sequence[str]) -> tuple[str, ...]:
    """Return the patterns, each once.

    Raises:
        InvalidInputError: There is none, there are too many, or one can never match.
    """
    if not 1 <= len(patterns) <= MOST_PATTERNS:
        raise InvalidInputError(f"expected 1 to {MOST_PATTERNS} events, got {len(patterns)}", path="$.events")
    for place, pattern in enumerate(patterns):
        if not any(_matches(pattern, event) for event in EVENTS):
            raise InvalidInputError(
                f"{pattern[:100]!r} is no event; they are like import_file.failed, *.failed, *.*", path=f"$.events[{place}]"
            )
    return tuple(dict.fromkeys(patterns))


def is_wanted(event: str, patterns: Sequence[str]) -> bool:
    """Return whether one of the patterns matches the event."""
    return any(_matches(pattern, event) for pattern in patterns)


def _matches(pattern: str, event: str) -> bool:
    kind, _, outcome = event.partition(".")
    wanted_kind, _, wanted_outcome = pattern.partition(".")
    return wanted_kind in {"*", kind} and wanted_outcome in {"*", outcome}
