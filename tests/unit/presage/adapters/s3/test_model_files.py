"""What is kept of S3 on the local disk: never too much, and a disk that fails is not the end of an answer."""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pytest

from presage.adapters.s3.model_files import S3ModelFiles
from presage.errors import UnavailableError


def test_a_folder_that_cannot_be_written_is_unavailable_so_that_the_ladder_goes_on(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    files = S3ModelFiles(client=cast("Any", None), artifacts_bucket="artifacts", lake_bucket="lake", folder=blocked / "cache")
    with pytest.raises(UnavailableError, match="cannot be kept"):
        files.fetch_artifact("ws=ws_1/models/mdl_1/1/model.onnx", sha256="0" * 64)


class Bucket:
    """Answers `get_object` with a body that is named by its key: a letter, a hundred times."""

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, object]:  # noqa: N803 - boto3's names
        assert Bucket == "lake"
        self.body = Key.encode() * 100
        return {"Body": self}

    def iter_chunks(self, _size: int) -> Iterator[bytes]:
        yield self.body


def test_the_files_asked_for_longest_ago_go_and_one_in_use_stays(tmp_path: Path) -> None:
    bucket = cast("Any", Bucket())
    files = S3ModelFiles(client=bucket, artifacts_bucket="artifacts", lake_bucket="lake", folder=tmp_path, max_folder_bytes=250)

    def fetch(letter: str) -> Path:
        return Path(files.fetch_lake(letter, sha256=sha256(letter.encode() * 100).hexdigest()))

    for age, letter in enumerate("ba"):
        os.utime(fetch(letter), (age, age))
    with fetch("b").open("rb") as in_use:
        fetch("c")
        os.utime(fetch("b"), (1, 1))
        kept = {path.read_bytes()[:1] for path in tmp_path.iterdir()}
        fetch("d")
        assert kept == {b"b", b"c"}
        assert {path.read_bytes()[:1] for path in tmp_path.iterdir()} == {b"c", b"d"}
        assert in_use.read() == b"b" * 100
    assert fetch("b").read_bytes() == b"b" * 100
