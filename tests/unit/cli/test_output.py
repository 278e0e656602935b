from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console, RenderableType

from presage_cli.output import Output, write_whole
from presage_cli.rendering import choose_columns, render_one, render_table
from presage_cli.terminal import build_console, clean
from presage_client import Client
from presage_client import models as m
from tests.fixtures.python_client import WORKSPACE

ROWS: list[dict[str, Any]] = [
    {"workspace_id": "ws_1", "name": "orders", "parts": ["a", "b"], "columns": [{"name": "spent"}], "rows": 7, "ended": None, "good": True},
    {"workspace_id": "ws_1", "name": "evil\x1b[31m", "parts": [], "columns": [], "rows": 0.25, "ended": None, "good": False},
]


def render(thing: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=100, markup=False, highlight=False)
    console.print(thing)
    return str(console.file.getvalue())  # type: ignore[attr-defined]  # a StringIO


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        return True


def test_a_table_has_what_fits_into_cells_and_is_told() -> None:
    assert choose_columns(ROWS) == ["name", "parts", "rows", "good"]
    lines = render(render_table(ROWS)).splitlines()
    assert [each.split() for each in lines if "orders" in each] == [["orders", "a,", "b", "7", "yes"]]


def test_nothing_in_an_answer_steers_the_terminal() -> None:
    assert "\x1b" not in render(render_table(ROWS)) + render(render_one(ROWS)) + render(render_one({"a\x1b": {"b": ["\x9b2J"]}}))
    assert clean("a\tb\nc\x07") == "a\tb\nc\ufffd"


def test_one_thing_is_shown_with_everything_in_it() -> None:
    shown = render(
        render_one({"name": "[bold]orders", "plan": {"gates": [{"name": "days", "least": 7}], "arms": []}, "share": 0.5, "none": {}})
    )

    for text in ("[bold]orders", "gates", "days", "7", "0.5"):
        assert text in shown
    assert "none" not in shown


def test_there_are_no_colours_but_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    def paint(stream: io.StringIO) -> str:
        monkeypatch.setattr("sys.stdout", stream)
        build_console().print("x", style="bold red")
        return stream.getvalue()

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert paint(io.StringIO()) == "x\n"
    assert "\x1b[" in paint(Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "31m" not in paint(Terminal())


def test_json_has_secrets_that_are_shown_once_and_leaves_out_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    user = m.UserView(user_id="u", email="a@b.example", name="Ann", role="owner", created_at="now", token="tok")

    Output(as_json=True).tell(user)

    assert json.loads(capsys.readouterr().out)["token"] == "tok"
    Output(as_json=True).tell(m.HoldoutView(share=0.1, changed_by=None, changed_at=None))
    assert json.loads(capsys.readouterr().out) == {"share": 0.1, "changed_by": None, "changed_at": None}


def test_a_text_is_written_as_it_is(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    Output().tell("# Card\n")
    Output(as_json=True).tell("# Card\n")
    Output(target=tmp_path / "card.md").tell("# Card")

    out, err = capsys.readouterr()
    assert out == '# Card\n"# Card\\n"\n'
    assert err == f"written to {tmp_path / 'card.md'}\n"
    assert (tmp_path / "card.md").read_text() == "# Card"


def test_a_file_is_there_once_it_is_whole(tmp_path: Path) -> None:
    def write() -> Iterator[str]:
        yield "a"
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        write_whole(tmp_path / "list.ndjson", write())
    assert list(tmp_path.iterdir()) == []


class Pages:
    """Three pages of two jobs."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        after = request.url.params.get("after")
        self.asked.append(after)
        number = int(after or 0)
        items = [
            {"notification_id": f"n{2 * number + each}", "subject_id": "s", "event": "e", "message": "", "created_at": ""}
            for each in (0, 1)
        ]
        return httpx.Response(200, json={"items": [fill(each) for each in items], "next": None if number == 2 else str(number + 1)})


def fill(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item with every field that the client needs."""
    return {**dict.fromkeys((each for each in m.Notification.__struct_fields__), ""), **item}


@pytest.mark.parametrize(("most", "asked", "more"), [(1, 1, True), (2, 1, True), (3, 2, True), (6, 3, False), (None, 3, False)])
def test_a_list_is_read_as_far_as_it_is_shown(most: int | None, asked: int, more: bool, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: FBT001 - a parameter
    pages = Pages()
    with Client(workspace=WORKSPACE, http=httpx.Client(transport=httpx.MockTransport(pages))) as client:
        Output(as_json=True).tell_all(client.notifications.list(), most=most)

    out, err = capsys.readouterr()
    assert [json.loads(each)["notification_id"] for each in out.splitlines()] == [f"n{each}" for each in range(most or 6)]
    assert (len(pages.asked), "there are more" in err) == (asked, more)
