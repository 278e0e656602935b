"""The way from containers to servers on loopback; needs no container."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration
ADDRESS = "127.0.0.9"


def connect(port: int) -> socket.socket:
    deadline = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection((ADDRESS, port), timeout=10)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_bytes_go_both_ways_between_an_address_and_loopback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def echo() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(connection.recv(100).upper())

        threading.Thread(target=echo, daemon=True).start()
        process = subprocess.Popen(
            [sys.executable, "-m", "localstack.containers.forwarder", "--address", ADDRESS, str(port)],
            cwd=Path(__file__).parents[3],
            env={"PATH": os.defpath},
        )
        try:
            with connect(port) as client:
                client.sendall(b"through")
                assert client.recv(100) == b"THROUGH"
        finally:
            process.terminate()
            process.wait(10)
