"""No token, key or signed URL gets into a log, a repr or what is raised, with the local variables of every frame."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from presage_client import Client
from presage_client import models as m
from presage_client.errors import PresageError
from tests.fixtures.python_client import KEY, PUBLIC, TOKEN, WORKSPACE, Answers, AsyncDriver, SyncDriver, make_policy, problem

SIGNATURE = "signed-by-us"
URL = f"https://storage.example/lake/f.csv?X-Amz-Signature={SIGNATURE}"
SECRETS = (TOKEN, KEY, SIGNATURE, "pa55word")
UPLOAD = httpx.Response(201, json={"key": "uploads/f.csv", "url": URL})
FILE = m.BatchPredictionFile(url=URL, rows=1, bytes=1, sha256=sha256(b"x").hexdigest())
REFUSED = httpx.Response(403, text=f"<Error><Code>SignatureDoesNotMatch</Code><Given>{SIGNATURE}</Given></Error>")


@pytest.fixture(params=[SyncDriver, AsyncDriver], ids=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> type[SyncDriver]:
    driver: type[SyncDriver] = request.param
    return driver


def tell(error: BaseException) -> str:
    """Return all that an error tracker could send of an error: its chain, and the variables of each of the client's frames."""
    told, seen = [], list[BaseException]()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or each in seen:
            continue
        seen.append(each)
        waiting += [each.__cause__, each.__context__]
        frames = traceback.TracebackException.from_exception(each, capture_locals=True).stack
        told += [str(each), repr(each), repr(vars(each)), *(repr(frame.locals) for frame in frames if "/presage_client/" in frame.filename)]
    assert any("self" in text for text in told), "there are frames"
    return "".join(told)


CALLS: dict[str, Callable[[SyncDriver, Path], object]] = {
    "datasets.get": lambda driver, _: driver.call("datasets.get", "ds_1"),
    "public.predict": lambda driver, _: driver.call("public.predict", model="m", features=[{"id": "c1"}]),
    "download": lambda driver, path: driver.call("download", FILE, path / "p.parquet"),
}


@pytest.mark.parametrize("fault", [httpx.ReadTimeout("slow"), httpx.ConnectError("refused"), problem(500, "internal"), REFUSED])
@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_fails_tells_no_secret(
    kind: type[SyncDriver], call: str, fault: httpx.Response | Exception, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    with pytest.raises(PresageError) as caught:
        CALLS[call](kind(Answers([fault] * 2), policy=make_policy(attempts=2)), tmp_path)

    told = tell(caught.value) + caplog.text
    assert [secret for secret in SECRETS if secret in told] == []


@pytest.mark.parametrize("fault", [httpx.ReadTimeout("slow"), problem(500, "internal"), problem(400, "invalid_input")])
def test_a_credential_that_is_sent_is_in_no_message_or_log(
    kind: type[SyncDriver], fault: httpx.Response | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    with pytest.raises(PresageError) as caught:
        kind(Answers([fault] * 2), policy=make_policy(attempts=2)).call("credentials.put", "ours", content={"secret_key": "pa55word"})

    assert "pa55word" not in str(caught.value) + caplog.text


@pytest.mark.parametrize("fault", [httpx.WriteError("cut"), REFUSED, httpx.Response(200)])
def test_a_transfer_tells_no_signature_in_logs(
    kind: type[SyncDriver], fault: httpx.Response | Exception, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "f.csv").write_text("a,b")
    told = ""

    try:
        told = repr(kind(Answers([UPLOAD, fault, fault]), policy=make_policy(attempts=2)).call("upload", "ds_1", tmp_path / "f.csv"))
    except PresageError as error:
        told = str(error)

    assert "https://workspace.example/api/v1/datasets/ds_1/uploads" in caplog.text, "calls of the API are logged by httpx"
    assert [secret for secret in SECRETS if secret in told + caplog.text] == []


def test_a_retry_is_logged_by_its_operation(kind: type[SyncDriver], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="presage_client")

    with pytest.raises(PresageError):
        kind(Answers([problem(503, "unavailable")] * 2), policy=make_policy(attempts=2)).call("datasets.get", "ds_1")

    [line] = [record.getMessage() for record in caplog.records if record.name == "presage_client"]
    assert line.startswith("getDataset: UnavailableError; again in 0.")


def test_a_client_shows_no_credential() -> None:
    with Client(workspace=WORKSPACE, public=PUBLIC) as client:
        settings = client._caller._settings  # noqa: SLF001 - where the credentials are
        told = [repr(each) for each in (client, settings, vars(client), vars(settings), vars(client._caller))]  # noqa: SLF001 - same

    assert [secret for secret in SECRETS if secret in "".join(told)] == []
    assert "Api(url='https://api.example')" in "".join(told)
