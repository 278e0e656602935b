"""What an answer was made from, beside its request: with it the answer can be made again (docs/adr/0048)."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from presage.experiments.model import ControlPolicy
from presage.training.artifact import ModelArtifact

Answerer = Literal["model"] | ControlPolicy
"""Who was to answer: the model, or what the control's policy or the alias puts in its place."""


class StoredArtifact(NamedTuple):
    """A version's `model.json`, and the SHA-256 of its bytes."""

    artifact: ModelArtifact
    sha256: str


class Source(msgspec.Struct, frozen=True, gc=False):
    """A version and the snapshot that it read, by the SHA-256 of their manifests, which have those of their files."""

    version: int
    artifact_sha256: str
    snapshot_key: str
    snapshot_sha256: str


class Basis(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What no other part of a log entry tells.

    `values` is what feature values were looked up with and, when a model answered, what ran; `baseline_sha256` is of the `model.json`
    whose baseline answered; `drawn_in` is the experiment whose salt chance was drawn with, if chance answered.
    """

    answerer: Answerer
    values: Source | None = None
    baseline_sha256: str | None = None
    drawn_in: str | None = None
