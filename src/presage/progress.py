"""How long work tells its user how far it is, without knowing who listens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Progress(Protocol):
    """Called at every safe point of a long piece of work; may raise `JobCancelledError` to stop it there."""

    def __call__(self, fraction: float, message: str, checkpoint: Mapping[str, object] | None = None) -> None:
        """Report `fraction` in [0, 1] done. `checkpoint`, if given, replaces what a retry is started with."""


def ignore_progress(fraction: float, message: str, checkpoint: Mapping[str, object] | None = None) -> None:
    """Report to nobody."""
