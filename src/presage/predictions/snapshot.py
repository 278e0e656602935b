"""Reads an online snapshot: the packed file of feature values described in `presage.training.artifact`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import lmdb
import msgspec
import numpy as np
import numpy.typing as npt

from presage.errors import CorruptArtifactError
from presage.training.artifact import CANDIDATES_KEY, SnapshotManifest, build_snapshot_key

FloatArray = npt.NDArray[np.float64]


class SnapshotFile:
    """An open snapshot file. It is mapped, not read: opening it is cheap. A process may open a file only once."""

    def __init__(self, path: str) -> None:
        """Open the file at `path`, whose bytes were checked before.

        Raises:
            CorruptArtifactError: It is not a snapshot.
        """
        try:
            self.environment = lmdb.open(path, subdir=False, readonly=True, lock=False, readahead=False, max_spare_txns=32)
            with self.environment.begin() as transaction:
                self.candidates: tuple[str, ...] = tuple(msgspec.json.decode(transaction.get(CANDIDATES_KEY, b"[]"), type=list[str]))
        except (lmdb.Error, msgspec.MsgspecError) as error:
            raise CorruptArtifactError(f"The snapshot file cannot be opened: {error}") from error


class Snapshot:
    """A read-only snapshot, safe to use from many threads."""

    def __init__(self, file: SnapshotFile, manifest: SnapshotManifest) -> None:
        """Read `file` as `manifest` describes it."""
        self.manifest = manifest
        self.candidates = file.candidates
        self._file = file

    @property
    def as_of(self) -> datetime:
        """Return the time as of which the values hold."""
        return self.manifest.as_of

    def read_view(self, view: str, keys: Sequence[str], *, width: int) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """Return the view's stored values of `keys`, and which of them the snapshot knows.

        Shape: (len(keys), width), NaN where null or unknown; (len(keys),).

        Raises:
            CorruptArtifactError: A value has another width than the view.
        """
        values = np.full((len(keys), width), np.nan)
        known = np.zeros(len(keys), dtype=np.bool_)
        with self._file.environment.begin(buffers=True) as transaction:
            for row, key in enumerate(keys):
                stored = transaction.get(build_snapshot_key(view, key))
                if stored is None:
                    continue
                if len(stored) != 8 * width:
                    raise CorruptArtifactError(f"Snapshot {self.manifest.snapshot_id}: {view} of {key!r} has {len(stored)} bytes")
                values[row] = np.frombuffer(stored, dtype="<f8")
                known[row] = True
        return values, known
