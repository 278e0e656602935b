"""Mails of the local stack are printed as they are read."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from localstack.__main__ import mails
from localstack.places import Places
from localstack.program import StartError
from localstack.screen import Screen

pytestmark = pytest.mark.enable_socket

SENT = {
    "000000000000": {
        "us-east-1": [
            {"To": ["Ann@example.com"], "Subject": "Your Presage account", "BodyText": "Go on here:\n\nhttp://127.0.0.1/sign-up/t\n"},
            {"To": ["bob@example.com"], "Subject": "Another", "BodyText": "…"},
        ]
    }
}


class Ses(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/_ministack/ses/messages" else 404)
        self.end_headers()
        self.wfile.write(json.dumps(SENT).encode())

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    server = HTTPServer(("127.0.0.1", 0), Ses)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found = Places(tmp_path)
    found.state.mkdir(parents=True, exist_ok=True)
    (found.state / "endpoints.json").write_text(json.dumps({"emulator_url": f"http://127.0.0.1:{server.server_port}"}))
    yield found
    server.shutdown()
    server.server_close()


def test_the_mails_of_an_address_are_printed(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    assert mails(places, Screen(), "ann@example.com") == 0
    assert capsys.readouterr().out == "To: Ann@example.com\nSubject: Your Presage account\n\nGo on here:\n\nhttp://127.0.0.1/sign-up/t\n\n"


def test_all_are_printed_or_that_there_are_none(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    mails(places, Screen())
    assert capsys.readouterr().out.count("Subject: ") == 2
    mails(places, Screen(), "cid@example.com")
    assert capsys.readouterr().out == "no mail yet\n"


def test_without_a_stack_it_is_said_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="make up"):
        mails(Places(tmp_path), Screen())
