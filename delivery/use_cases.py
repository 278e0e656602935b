"""Release a build to a stage; roll a stage back."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from delivery.history import Kind, Move, Stage, check_promotion, find_live, find_previous
from delivery.ports import HistoryStore


class Mover(Protocol):
    """Whoever changes what serves: our controller, or ECS's own deployment."""

    def release(self, digest: str) -> None:
        """Let users get a build they did not have."""

    def roll_back(self, digest: str) -> None:
        """Let users get an earlier build."""


def release(stage: Stage, digest: str, *, mover: Mover, histories: HistoryStore, now: Callable[[], datetime]) -> None:
    """Move the stage forward to the build and write it down.

    Raises:
        DeliveryError: The build may not go there, or it failed; nothing is written down.
    """
    check_promotion(stage, digest, staging=histories.get_history("staging"))
    mover.release(digest)
    _note(stage, digest, "release", histories=histories, at=now())


def roll_back(stage: Stage, *, mover: Mover, histories: HistoryStore, now: Callable[[], datetime]) -> str:
    """Move the stage back to the build before, write it down, and return its digest.

    Raises:
        DeliveryError: There is none, or it does not answer.
    """
    digest = find_previous(histories.get_history(stage))
    mover.roll_back(digest)
    _note(stage, digest, "rollback", histories=histories, at=now())
    return digest


def _note(stage: Stage, digest: str, kind: Kind, *, histories: HistoryStore, at: datetime) -> None:
    history = histories.get_history(stage)
    live = find_live(history)
    if live != digest:
        histories.put_history(stage, (*history, Move(digest, live or "", kind, at.isoformat())))
