"""Files that are streamed to and from storage."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from presage_client import models as m
from presage_client.errors import FileTransferError, NotFoundError
from presage_client.files import CHUNK_BYTES
from tests.fixtures.python_client import Answers, AsyncDriver, Streamed, SyncDriver, problem

URL = "https://storage.example/lake/uploads/f.csv?X-Amz-Signature=signed-by-us"
UPLOAD = httpx.Response(201, json={"key": "uploads/f.csv", "url": URL})
CONTENT = b"0123456789abcdef" * (CHUNK_BYTES // 16) * 2 + b"rest"
EXPIRED = httpx.Response(403, text=f"<Error><Code>AccessDenied</Code><Message>Request has expired</Message><Url>{URL}</Url></Error>")


class Storage(Answers):
    """Storage that keeps what is put; the first request is the API's."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        super().__init__(answers)
        self.bodies: list[bytes] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(request.content)
        return super().__call__(request)


@pytest.fixture(params=[SyncDriver, AsyncDriver], ids=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> type[SyncDriver]:
    driver: type[SyncDriver] = request.param
    return driver


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "f.csv"
    path.write_bytes(CONTENT)
    return path


def promise(content: bytes = CONTENT) -> m.BatchPredictionFile:
    return m.BatchPredictionFile(url=URL, rows=3, bytes=len(content), sha256=sha256(content).hexdigest())


def test_an_upload_is_sent_with_its_length_in_pieces_and_tells_how_far_it_is(kind: type[SyncDriver], source: Path) -> None:
    storage, told = Storage(UPLOAD, httpx.Response(200)), list[int]()

    upload = kind(storage).call("upload", "ds_1", source, on_progress=told.append)

    asked, put = storage.requests
    assert upload.key == "uploads/f.csv"
    assert (asked.method, asked.url.path, asked.content) == ("POST", "/api/v1/datasets/ds_1/uploads", b'{"file_name":"f.csv"}')
    assert (put.method, str(put.url), storage.bodies[1] == CONTENT) == ("PUT", URL, True)
    assert put.headers["content-length"] == str(len(CONTENT))
    assert put.headers.keys().isdisjoint({"authorization", "x-api-key", "transfer-encoding"})
    assert told == [CHUNK_BYTES, 2 * CHUNK_BYTES, len(CONTENT)]


def test_a_broken_upload_starts_again_from_the_beginning(kind: type[SyncDriver], source: Path) -> None:
    storage = Storage(UPLOAD, httpx.WriteError("cut"), httpx.Response(503), httpx.Response(200))
    driver = kind(storage)

    driver.call("upload", "ds_1", source)

    assert [len(body) for body in storage.bodies[1:]] == [len(CONTENT)] * 3
    assert len(driver.time.slept) == 2


def test_an_upload_that_is_refused_says_why_and_not_by_what_url(kind: type[SyncDriver], source: Path) -> None:
    with pytest.raises(FileTransferError, match=r"^upload of f\.csv: 403 AccessDenied$"):
        kind(Storage(UPLOAD, EXPIRED)).call("upload", "ds_1", source)


def test_an_upload_gives_up(kind: type[SyncDriver], source: Path) -> None:
    with pytest.raises(FileTransferError, match=r"^upload of f\.csv: WriteError \(cut\)$"):
        kind(Storage(UPLOAD, *[httpx.WriteError("cut")] * 5)).call("upload", "ds_1", source)


def test_an_upload_for_no_dataset_is_the_apis_refusal(kind: type[SyncDriver], source: Path) -> None:
    with pytest.raises(NotFoundError):
        kind(Storage(problem(404, "not_found"))).call("upload", "ds_1", source)


def test_a_download_is_there_once_it_is_whole_and_tells_how_far_it_is(kind: type[SyncDriver], tmp_path: Path) -> None:
    target, told = tmp_path / "p.parquet", list[int]()

    assert kind(Storage(httpx.Response(200, content=CONTENT))).call("download", promise(), target, on_progress=told.append) == target

    assert target.read_bytes() == CONTENT
    assert told[-1] == len(CONTENT)
    assert [path.name for path in tmp_path.iterdir()] == ["p.parquet"]


def test_a_broken_download_starts_again(kind: type[SyncDriver], tmp_path: Path) -> None:
    streams = [Streamed(CONTENT[:10], httpx.ReadError("cut")), Streamed(CONTENT[:-1], httpx.ReadTimeout("slow")), Streamed(CONTENT)]
    driver = kind(lambda _: httpx.Response(200, stream=streams.pop(0)))

    driver.call("download", promise(), tmp_path / "p.parquet")

    assert (streams, len(driver.time.slept), (tmp_path / "p.parquet").read_bytes() == CONTENT) == ([], 2, True)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (
            [httpx.Response(200, content=CONTENT[:-1] + b"!")] * 5,
            f"{len(CONTENT)} bytes came that are not the {len(CONTENT)} promised ones",
        ),
        ([httpx.Response(200, content=CONTENT[:9])] * 5, f"9 bytes came that are not the {len(CONTENT)} promised ones"),
        ([EXPIRED], "403 AccessDenied"),
        ([httpx.Response(404)], "404"),
        ([httpx.ConnectError("refused")] * 5, r"ConnectError \(refused\)"),
    ],
)
def test_a_download_that_fails_leaves_what_was_there(
    kind: type[SyncDriver], tmp_path: Path, answers: list[httpx.Response | Exception], reason: str
) -> None:
    target = tmp_path / "p.parquet"
    target.write_bytes(b"before")
    storage = Storage(*answers)

    with pytest.raises(FileTransferError, match=rf"^download of p\.parquet: {reason}$"):
        kind(storage).call("download", promise(), target)

    assert len(storage.requests) == len(answers)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("p.parquet", b"before")]
