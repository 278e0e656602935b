"""Logs are one JSON object a line."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from presage.runtime.observability import CHATTY_LOGGERS, configure_logging, with_fields


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    out = io.StringIO()
    configure_logging(service="svc", stage="local", stream=out)
    yield out
    root.handlers[:], root.level = before, level


def test_a_line_has_the_service_the_message_and_the_fields(stream: io.StringIO) -> None:
    logging.getLogger("presage.x").info("took %d\nrows", 3, extra=with_fields({"rows": 3, "id": UUID(int=1)}))
    (line,) = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert datetime.fromisoformat(entry.pop("timestamp")).tzinfo == UTC
    assert entry == {
        "level": "info",
        "logger": "presage.x",
        "message": "took 3\nrows",
        "service": "svc",
        "stage": "local",
        "rows": 3,
        "id": "00000000-0000-0000-0000-000000000001",
    }


def test_an_exception_is_on_the_same_line(stream: io.StringIO) -> None:
    try:
        int("bad")
    except ValueError:
        logging.getLogger().exception("failed")
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["traceback"].endswith("ValueError: invalid literal for int() with base 10: 'bad'\n")


def test_configuring_twice_logs_once(stream: io.StringIO) -> None:
    configure_logging(service="svc", stage="local", stream=stream)
    logging.getLogger().info("once")
    assert len(stream.getvalue().splitlines()) == 1


@pytest.mark.parametrize("library", CHATTY_LOGGERS)
def test_libraries_are_heard_from_a_warning_on(stream: io.StringIO, library: str) -> None:
    logger = logging.getLogger(f"{library}.part")
    logger.info("found credentials")
    logger.warning("connection pool is full")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["connection pool is full"]
