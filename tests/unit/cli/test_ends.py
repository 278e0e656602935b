"""How commands wait, fail and end."""

from __future__ import annotations

import io
import json
from typing import Any

import httpx
import pytest
import typer

from presage_cli.asking import confirm
from presage_cli.errors import find_exit, tell
from presage_cli.exits import CliError, Exit
from presage_cli.output import Output
from presage_cli.progress import Meter
from presage_cli.waiting import wait_for
from presage_client import Client
from presage_client import errors as e
from presage_client.caller import Clock
from presage_client.errors import build_problem
from presage_client.models import JobView
from tests.fixtures.python_client import WORKSPACE, Answers, FakeTime

JOB: dict[str, Any] = {
    "job_id": "job_1",
    "kind": "build",
    "state": "running",
    "progress": 0.25,
    "message": "joins",
    "attempts": 1,
    "arguments": {},
    "result": {},
    "created_by": "u",
    "created_at": "t",
    "finished_at": None,
    "cancel_requested": False,
    "retry_of": None,
    "retried_as": None,
}


def make_job(state: str) -> JobView:
    return JobView(**{**JOB, "state": state})


def answer(*states: str) -> Answers:
    return Answers([httpx.Response(200, json={**JOB, "state": state}) for state in states])


def open_client(answers: Answers, time: FakeTime | None = None, sleep: Any = None) -> Client:  # noqa: ANN401 - a function
    time = time or FakeTime()
    transport = httpx.MockTransport(answers)
    return Client(workspace=WORKSPACE, http=httpx.Client(transport=transport), clock=Clock(time.now, sleep or time.sleep))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (build_problem(400, b"{}", retry_after_seconds=None), 3),
        (build_problem(422, b"{}", retry_after_seconds=None), 3),
        (build_problem(401, b"{}", retry_after_seconds=None), 4),
        (build_problem(403, b"{}", retry_after_seconds=None), 4),
        (build_problem(404, b"{}", retry_after_seconds=None), 5),
        (build_problem(409, b"{}", retry_after_seconds=None), 6),
        (build_problem(429, b"{}", retry_after_seconds=None), 7),
        (build_problem(503, b"{}", retry_after_seconds=None), 8),
        (e.ConnectionFailedError("nobody"), 8),
        (e.FileTransferError("storage"), 8),
        (e.UnexpectedAnswerError("what"), 1),
        (e.JobFailedError(make_job("failed")), 1),
        (e.JobFailedError(make_job("cancelled")), 9),
        (e.JobFailedError(make_job("quarantined")), 10),
        (e.JobTimeoutError(make_job("running")), 11),
        (FileNotFoundError("none"), 2),
        (typer.BadParameter("bad"), 2),
        (CliError("no", Exit.INTERRUPTED), 130),
        (KeyError("a fault of ours"), None),
    ],
)
def test_each_kind_of_end_has_its_exit_code(error: Exception, code: int | None) -> None:
    assert find_exit(error) == code


def test_a_refusal_is_told_with_its_code_its_request_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    problem = {"code": "rate_limited", "detail": "Too many [calls]\x1b[2J", "request_id": "req-1", "path": "$.a"}
    error = build_problem(429, json.dumps(problem).encode(), retry_after_seconds=3.0)

    assert tell(error, as_json=False) == 7
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[:2]) == (
        "",
        ["error: Too many [calls]\ufffd[2J (at $.a)", "status 429, code rate_limited, request id req-1"],
    )
    assert err.splitlines()[2].endswith("3 s were asked for.")
    tell(error, as_json=True)
    told = json.loads(capsys.readouterr().err)["error"]
    assert (told["code"], told["status"], told["request_id"], told["exit_code"]) == ("rate_limited", 429, "req-1", 7)


def test_a_fault_of_our_own_is_raised() -> None:
    with pytest.raises(KeyError):
        tell(KeyError("x"), as_json=True)


def test_a_job_is_waited_for_with_its_progress_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with open_client(answer("queued", "running", "running", "succeeded")) as client:
        wait_for(client, "job_1", Output(as_json=True))

    out, err = capsys.readouterr()
    assert json.loads(out)["state"] == "succeeded"
    assert err.splitlines() == [f"job job_1: {state}: joins (25%)" for state in ("queued", "running", "succeeded")]


def test_a_job_that_failed_is_answered_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    with open_client(answer("failed")) as client, pytest.raises(e.JobFailedError):
        wait_for(client, "job_1", Output(as_json=True))
    assert json.loads(capsys.readouterr().out)["state"] == "failed"


def test_an_interrupt_leaves_the_job_alone_and_says_how_to_go_on() -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    answers = answer("running")
    with open_client(answers, sleep=interrupt) as client, pytest.raises(CliError) as caught:
        wait_for(client, "job_1", Output())
    assert (caught.value.exit_code, caught.value.next_step) == (130, "presage jobs wait job_1, or presage jobs cancel job_1")
    assert [each.method for each in answers.requests] == ["GET"]


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_there_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")

    with Meter("job [1]") as meter:
        meter.tell(0.5, "joins\x1b[2J")

    assert "job [1]: joins\ufffd[2J" in screen.getvalue()
    assert "50%" in screen.getvalue()


@pytest.mark.parametrize(("typed", "code"), [("y\n", None), ("n\n", Exit.FAILED), ("\n", Exit.FAILED)])
def test_on_a_terminal_it_is_asked(
    typed: str, code: Exit | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    if code is None:
        confirm("Delete it", yes=False)
    else:
        with pytest.raises(CliError) as caught:
            confirm("Delete it", yes=False)
        assert caught.value.exit_code is code
    assert capsys.readouterr().out == ""
