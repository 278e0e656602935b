"""Segments of landed ids in the lake bucket."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING

import polars as pl

from presage.adapters.client import translate_errors
from presage.errors import CorruptArtifactError, NotFoundError
from presage.features.dataset import Dataset
from presage.features.fingerprints import Lookup, build_frame, decode_frame, encode_frame
from presage.features.keys import build_ids_key
from presage.features.records import IdSegment

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

IDS_TAG = "presage=ids"
"""What the lake's lifecycle selects segments by; it must outlast the days that ids are remembered."""
CACHE_BYTES = 268_435_456
"""256 MiB: the ids of 16 million records. What does not fit is read again, each segment by itself."""
DOWNLOADS_AT_ONCE = 8


class S3LandedIds:
    """`LandedIds` on a bucket. Segments never change, so a process keeps what it read, the most lately used ones first."""

    def __init__(self, bucket: str, client: S3Client, *, cache_bytes: int = CACHE_BYTES) -> None:
        """Use `bucket`, which exists."""
        self._bucket = bucket
        self._client = client
        self._cache = _FrameCache(cache_bytes)

    def find_landed(self, segments: Sequence[IdSegment], record_ids: Sequence[str]) -> set[str]:
        """Return those of the ids that are in one of the segments, after checking each one's sha256."""
        lookup = Lookup(record_ids)
        with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
            return set().union(*pool.map(lambda segment: lookup.find_in(self._get(segment)), segments))

    def put_segment(self, dataset: Dataset, day: date, record_ids: Sequence[str], *, merged: Sequence[IdSegment] = ()) -> IdSegment:
        """Write a segment of these ids and of all in `merged`. Idempotency: the same ids are the same object."""
        frame = build_frame(record_ids, [self._get(segment) for segment in merged])
        body = encode_frame(frame)
        digest = sha256(body).hexdigest()
        key = build_ids_key(dataset, day, digest)
        with translate_errors(f"put {key}"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/vnd.apache.parquet", Tagging=IDS_TAG)
        self._cache.put(key, frame)
        return IdSegment(day, key, digest, len(frame))

    def _get(self, segment: IdSegment) -> pl.DataFrame:
        frame = self._cache.find(segment.key)
        if frame is None:
            frame = decode_frame(self._download(segment))
            self._cache.put(segment.key, frame)
        return frame

    def _download(self, segment: IdSegment) -> bytes:
        try:
            with translate_errors(f"get {segment.key}"):
                body = self._client.get_object(Bucket=self._bucket, Key=segment.key)["Body"].read()
        except NotFoundError as error:
            raise CorruptArtifactError(f"{segment.key} is gone; its manifest says {segment.ids} ids") from error
        digest = sha256(body).hexdigest()
        if digest != segment.sha256:
            raise CorruptArtifactError(f"{segment.key} has sha256 {digest}; its manifest says {segment.sha256}")
        return body


class _FrameCache:
    """Frames by key, at most so many bytes of them."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._frames: OrderedDict[str, pl.DataFrame] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: str) -> pl.DataFrame | None:
        with self._lock:
            if key in self._frames:
                self._frames.move_to_end(key)
            return self._frames.get(key)

    def put(self, key: str, frame: pl.DataFrame) -> None:
        with self._lock:
            if key not in self._frames:
                self._bytes += int(frame.estimated_size())
            self._frames[key] = frame
            while self._bytes > self._max_bytes and self._frames:
                self._bytes -= int(self._frames.popitem(last=False)[1].estimated_size())
