"""`TrainingFiles`: one suite over memory and S3."""

import secrets

import pytest

from presage.adapters.client import build_client
from presage.adapters.memory.training_files import MemoryTrainingFiles
from presage.adapters.s3.training_files import S3TrainingFiles
from presage.errors import NotFoundError
from presage.training.ports import TrainingFiles


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.integration)])
def files(request: pytest.FixtureRequest) -> TrainingFiles:
    if request.param == "memory":
        return MemoryTrainingFiles()
    request.getfixturevalue("emulator")
    client, suffix = build_client("s3"), secrets.token_hex(4)
    for kind in ("lake", "artifacts"):
        client.create_bucket(Bucket=f"{kind}-{suffix}")
    return S3TrainingFiles(f"lake-{suffix}", f"artifacts-{suffix}", client)


def test_what_is_put_is_read_back_and_replaced(files: TrainingFiles) -> None:
    files.put_lake("ws=1/a b.json", b"\x00one")
    files.put_lake("ws=1/a b.json", b"two")
    files.put_artifact("ws=1/m", b"three")
    assert files.read_lake("ws=1/a b.json") == b"two"
    assert files.read_artifact("ws=1/m") == b"three"


def test_lake_and_artifacts_are_apart_and_what_is_missing_is_none(files: TrainingFiles) -> None:
    files.put_lake("k", b"lake")
    assert files.read_artifact("k") is None
    assert files.read_lake("other") is None


def test_keys_are_listed_by_prefix_in_order(files: TrainingFiles) -> None:
    for key in ("p/b", "p/a", "p/c/d", "q/a"):
        files.put_lake(key, b"")
    assert list(files.list_lake("p/")) == ["p/a", "p/b", "p/c/d"]
    assert list(files.list_lake("nothing/")) == []


@pytest.mark.integration
def test_a_missing_bucket_is_an_error_when_writing(emulator: str) -> None:
    assert emulator
    with pytest.raises(NotFoundError):
        S3TrainingFiles("no-such-lake", "no-such-artifacts", build_client("s3")).put_lake("k", b"")
