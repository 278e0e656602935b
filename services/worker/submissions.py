"""Submits jobs for many things in one call, of which one that fails does not keep the others from theirs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from presage.errors import PresageError

MOST_FAILURES = 3
"""In a row: then it is not the things that are broken."""
_Thing = TypeVar("_Thing")
_LOG = logging.getLogger("presage.worker")


def submit_for_each(found: Iterable[_Thing], submit: Callable[[_Thing], bool], describe_failure: Callable[[_Thing], str]) -> int:
    """Return for how many `submit` did; one that fails is logged and left to the next call.

    Raises:
        PresageError: Several in a row fail, or `found` does.
    """
    submitted = failures = 0
    for thing in found:
        try:
            submitted += submit(thing)
            failures = 0
        except PresageError as error:
            failures += 1
            if failures == MOST_FAILURES:
                raise
            _LOG.warning("%s: %s", describe_failure(thing), error)
    return submitted
