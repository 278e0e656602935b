"""Model files behave alike in memory and on S3 with a folder."""

import secrets
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import boto3
import pytest

from presage.adapters.client import build_client
from presage.adapters.memory.model_files import MemoryModelFiles
from presage.adapters.s3.model_files import S3ModelFiles
from presage.errors import CorruptArtifactError, NotFoundError, UnavailableError
from presage.predictions.ports import ModelFiles

BODY = b"compiled" * 1000
SHA256 = sha256(BODY).hexdigest()
KEY = "ws=w/models/m/1/model.msgpack"


class Store(Protocol):
    """Model files, and a way to put objects behind them."""

    @property
    def files(self) -> ModelFiles:
        """The files."""

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object of the `artifacts` or `lake` bucket."""


class MemoryStore:
    def __init__(self, folder: Path) -> None:
        self.files = MemoryModelFiles(folder)

    def put(self, bucket: str, key: str, body: bytes) -> None:
        (self.files.artifacts if bucket == "artifacts" else self.files.lake)[key] = body


class S3Store:
    def __init__(self, folder: Path) -> None:
        self.client = boto3.client("s3")
        self.buckets = {kind: f"{kind}-{secrets.token_hex(6)}" for kind in ("artifacts", "lake")}
        for bucket in self.buckets.values():
            self.client.create_bucket(Bucket=bucket)
        self.files = S3ModelFiles(
            client=build_client("s3"),
            artifacts_bucket=self.buckets["artifacts"],
            lake_bucket=self.buckets["lake"],
            folder=folder / "cache",
        )

    def put(self, bucket: str, key: str, body: bytes) -> None:
        self.client.put_object(Bucket=self.buckets[bucket], Key=key, Body=body)


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "memory":
        return MemoryStore(tmp_path)
    request.getfixturevalue("emulator")
    return S3Store(tmp_path)


def test_manifests_come_from_their_bucket(store: Store) -> None:
    store.put("artifacts", "a.json", b"{}")
    store.put("lake", "b.json", b"[]")
    assert store.files.read_artifact_manifest("a.json") == b"{}"
    assert store.files.read_lake_manifest("b.json") == b"[]"
    with pytest.raises(NotFoundError):
        store.files.read_artifact_manifest("b.json")
    with pytest.raises(NotFoundError):
        store.files.read_lake_manifest("a.json")


def test_a_fetched_file_holds_the_objects_bytes(store: Store) -> None:
    store.put("artifacts", KEY, BODY)
    store.put("lake", KEY, BODY + b"!")
    assert Path(store.files.fetch_artifact(KEY, sha256=SHA256)).read_bytes() == BODY
    assert Path(store.files.fetch_lake(KEY, sha256=sha256(BODY + b"!").hexdigest())).read_bytes() == BODY + b"!"


def test_wrong_bytes_are_never_handed_out(store: Store, tmp_path: Path) -> None:
    store.put("artifacts", KEY, BODY[:-1])
    with pytest.raises(CorruptArtifactError):
        store.files.fetch_artifact(KEY, sha256=SHA256)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_missing_object_is_not_found(store: Store) -> None:
    with pytest.raises(NotFoundError):
        store.files.fetch_lake(KEY, sha256=SHA256)


def test_a_file_that_went_bad_on_disk_is_fetched_again(store: Store) -> None:
    store.put("artifacts", KEY, BODY)
    Path(store.files.fetch_artifact(KEY, sha256=SHA256)).write_bytes(b"rotten")
    assert Path(store.files.fetch_artifact(KEY, sha256=SHA256)).read_bytes() == BODY


@pytest.mark.integration
def test_a_file_on_disk_needs_no_s3(emulator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert emulator
    store = S3Store(tmp_path)
    store.put("artifacts", KEY, BODY)
    path = store.files.fetch_artifact(KEY, sha256=SHA256)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    cut_off = S3ModelFiles(client=build_client("s3"), artifacts_bucket="a", lake_bucket="l", folder=tmp_path / "cache")
    assert cut_off.fetch_artifact(KEY, sha256=SHA256) == path
    with pytest.raises(UnavailableError):
        cut_off.read_artifact_manifest(KEY)
