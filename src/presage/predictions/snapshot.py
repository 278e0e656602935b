"""Reads an online snapshot: the packed file of feature values described in `presage.training.artifact`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import lmdb
import msgspec
import numpy as np
import numpy.typing as npt

from presage.errors import CorruptArtifactError
from presage.training.artifact import CANDIDATES_KEY, SnapshotManifest, build_snapshot_key, build_snapshot_keys

FloatArray = npt.NDArray[np.float64]
_FLOAT, _BOOL = np.dtype("<f8"), np.dtype(np.bool_)
_NULL = np.array(np.nan, _FLOAT).tobytes()


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
        self._file = file  # kept open for as long as somebody reads it
        self._environment = file.environment

    @property
    def as_of(self) -> datetime:
        """Return the time as of which the values hold."""
        return self.manifest.as_of

    def find_row(self, view: str, key: str, *, width: int) -> FloatArray | None:
        """Return the view's stored values of one key, not to be written to, or None if the snapshot does not know it.

        Shape: (width,), NaN where null.

        Raises:
            CorruptArtifactError: The value has another width than the view.
        """
        with self._environment.begin() as transaction:
            stored = transaction.get(build_snapshot_key(view, key))
        if stored is None:
            return None
        if len(stored) != len(_NULL) * width:
            raise CorruptArtifactError(f"Snapshot {self.manifest.snapshot_id}: a value of {view} has not {width} numbers")
        return np.ndarray(width, _FLOAT, stored)

    def read_view(self, view: str, keys: Sequence[str], *, width: int) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """Return the view's stored values of `keys`, not to be written to, and which of them the snapshot knows.

        Shape: (len(keys), width), NaN where null or unknown; (len(keys),).

        Raises:
            CorruptArtifactError: A value has another width than the view.
        """
        wanted = build_snapshot_keys(view, keys)
        absent = _NULL * width
        with self._environment.begin() as transaction:
            get = transaction.get
            rows = [get(key, absent) for key in wanted]
        body = b"".join(rows)
        if rows and {*map(len, rows)} != {len(absent)}:
            raise CorruptArtifactError(f"Snapshot {self.manifest.snapshot_id}: a value of {view} has not {width} numbers")
        known = np.array([row is not absent for row in rows], _BOOL)
        return np.ndarray((len(rows), width), _FLOAT, body), known
