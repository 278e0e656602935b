"""Structured logs: one JSON object a line on standard output, the same shape in every deployable."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

import msgspec

FIELDS_ATTRIBUTE = "presage_fields"
CHATTY_LOGGERS = ("boto3", "botocore", "pynamodb", "s3transfer", "urllib3")
"""Libraries whose INFO lines tell how they work (where credentials were found, what is sent again), not what went wrong."""


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON: timestamp, level, logger, message, the given fields and, if any, the traceback."""

    def __init__(self, service: str, stage: str) -> None:
        """Put `service` and `stage` on every line."""
        super().__init__()
        self._constant = {"service": service, "stage": stage}

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        line: dict[str, object] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **self._constant,
            **getattr(record, FIELDS_ATTRIBUTE, {}),
        }
        if record.exc_info:
            line["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return msgspec.json.encode(line, enc_hook=str).decode()


def configure_logging(*, service: str, stage: str, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send everything that is logged to `stream` (standard output by default) as JSON, of `CHATTY_LOGGERS` warnings only.

    Idempotency: replaces the root logger's handlers, so calling it again changes nothing.
    """
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonFormatter(service, stage))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in CHATTY_LOGGERS:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def with_fields(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the `extra=` argument of a logging call that puts `fields` (JSON-able, no secrets) on its line."""
    return {FIELDS_ATTRIBUTE: dict(fields)}
