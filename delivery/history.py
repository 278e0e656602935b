"""Which builds a stage has run, in order, and what follows from it: what may be promoted, what to roll back to."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from delivery.errors import DeliveryError

Kind = Literal["release", "rollback"]
Stage = Literal["staging", "production"]
KEPT_MOVES = 20


@dataclass(frozen=True)
class Move:
    """One change of the build that serves a stage.

    Attributes:
        digest: What serves from then on, `sha256:…` of the image's manifest.
        replaced: What served before; empty for the first.
        kind: Whether it went forward or back.
        at_utc: When, ISO 8601.
    """

    digest: str
    replaced: str
    kind: Kind
    at_utc: str


History = tuple[Move, ...]


def decode(text: str) -> History:
    """Return the history that `encode` wrote."""
    return tuple(Move(**fields) for fields in json.loads(text))


def encode(history: Sequence[Move]) -> str:
    """Return the newest moves as JSON."""
    return json.dumps([asdict(move) for move in history[-KEPT_MOVES:]])


def find_live(history: Sequence[Move]) -> str | None:
    """Return the build that serves, if any ever did."""
    return history[-1].digest if history else None


def is_proven(history: Sequence[Move], digest: str) -> bool:
    """Return whether the stage has run the build and nobody has rolled back from it since."""
    for move in reversed(history):
        if move.kind == "rollback" and move.replaced == digest:
            return False
        if move.digest == digest:
            return True
    return False


def check_promotion(stage: Stage, digest: str, *, staging: Sequence[Move]) -> None:
    """Do nothing if the stage may get the build.

    Raises:
        DeliveryError: Production is asked for a build that staging has not run, or has rolled back from.
    """
    if stage == "production" and not is_proven(staging, digest):
        raise DeliveryError(f"{digest} has not run on staging, or was rolled back there: release it to staging first")


def find_previous(history: Sequence[Move]) -> str:
    """Return the build to roll back to: the newest one before the live one that nobody has rolled back from.

    Raises:
        DeliveryError: There is none.
    """
    live = find_live(history)
    for move in reversed(history):
        if move.digest != live and is_proven(history, move.digest):
            return move.digest
    raise DeliveryError(f"there is no earlier build than {live or 'none'}")
