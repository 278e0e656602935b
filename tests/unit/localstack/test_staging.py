"""What a step writes is put while it runs, when its files come and go."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from localstack.bridges.staging import Prefix, Staging

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

OUTPUT = Prefix("lake", "out/")


class Bucket:
    """The calls of S3 that staging makes; `before_put` happens when the first object is put."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.before_put: Callable[[], None] = lambda: None

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> dict[str, str]:  # noqa: N803 - boto3's names
        assert Bucket == OUTPUT.bucket
        self.before_put()
        self.objects[Key] = Body
        return {"ETag": str(hash(Body))}

    def delete_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803 - boto3's names
        assert Bucket == OUTPUT.bucket
        del self.objects[Key]

    def get_paginator(self, _name: str) -> Bucket:
        return self

    def paginate(self, **_: str) -> Iterator[dict[str, Any]]:
        yield {"Contents": [{"Key": key, "ETag": str(hash(body))} for key, body in self.objects.items()]}


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def staging(tmp_path: Path, bucket: Bucket) -> Staging:
    return Staging(tmp_path, cast("S3Client", bucket))


def write(tmp_path: Path, name: str, *, at: int) -> Path:
    path = tmp_path / "lake" / "out" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(name)
    os.utime(path, (at, at))
    return path


def test_what_spark_is_still_writing_is_not_put(tmp_path: Path, staging: Staging, bucket: Bucket) -> None:
    write(tmp_path, "_temporary/0/part.parquet", at=1)
    write(tmp_path, ".part.parquet.crc", at=1)
    write(tmp_path, "part.parquet", at=1)

    staging.keep([OUTPUT], settled_seconds=1.0)

    assert bucket.objects == {"out/part.parquet": b"part.parquet"}


def test_a_file_that_is_renamed_between_listing_and_putting_is_put_by_the_next_call(
    tmp_path: Path, staging: Staging, bucket: Bucket
) -> None:
    write(tmp_path, "first", at=1)
    second = write(tmp_path, "second", at=2)

    def rename() -> None:
        if second.exists():
            second.rename(second.with_name("third"))

    bucket.before_put = rename

    staging.keep([OUTPUT])
    assert set(bucket.objects) == {"out/first"}
    staging.keep([OUTPUT])

    assert set(bucket.objects) == {"out/first", "out/third"}


def test_the_object_of_a_file_that_is_gone_is_deleted(tmp_path: Path, staging: Staging, bucket: Bucket) -> None:
    path = write(tmp_path, "part", at=1)
    staging.keep([OUTPUT])
    path.unlink()

    staging.keep([OUTPUT])

    assert bucket.objects == {}
