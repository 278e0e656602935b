"""Segments of landed ids in memory, as the same bytes that the lake would hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from hashlib import sha256

import polars as pl

from presage.errors import CorruptArtifactError
from presage.features.dataset import Dataset
from presage.features.fingerprints import Lookup, build_frame, decode_frame, encode_frame
from presage.features.keys import build_ids_key
from presage.features.records import IdSegment


class MemoryLandedIds:
    """`LandedIds` on a dictionary, which may be that of a `MemoryFeatureSetStore`, as both lie in one bucket."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        """Keep segments in `objects` by key, for tests to look at or to damage."""
        self._objects = objects

    def find_landed(self, segments: Sequence[IdSegment], record_ids: Sequence[str]) -> set[str]:
        """Return those of the ids that are in one of the segments, after checking each one's sha256."""
        lookup = Lookup(record_ids)
        return set().union(*(lookup.find_in(self._get(segment)) for segment in segments))

    def put_segment(self, dataset: Dataset, day: date, record_ids: Sequence[str], *, merged: Sequence[IdSegment] = ()) -> IdSegment:
        """Keep a segment of these ids and of all in `merged`."""
        frame = build_frame(record_ids, [self._get(segment) for segment in merged])
        body = encode_frame(frame)
        digest = sha256(body).hexdigest()
        key = build_ids_key(dataset, day, digest)
        self._objects[key] = body
        return IdSegment(day, key, digest, len(frame))

    def _get(self, segment: IdSegment) -> pl.DataFrame:
        body = self._objects.get(segment.key, b"")
        if sha256(body).hexdigest() != segment.sha256:
            raise CorruptArtifactError(f"{segment.key} does not have the sha256 of its manifest")
        return decode_frame(body)
