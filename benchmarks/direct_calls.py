"""The Data API and S3 in the same process, without HTTP: what the warehouse's adapter calls, for measuring what is behind it."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

from localstack.bridges.redshift_data import Bridge


class DirectClient:
    """The Data API's operations as boto3 offers them, called directly."""

    def __init__(self, bridge: Bridge) -> None:
        self.execute_statement = _by_keywords(bridge.execute_statement)
        self.batch_execute_statement = _by_keywords(bridge.batch_execute_statement)
        self.describe_statement = _by_keywords(bridge.describe_statement)
        self.get_statement_result = _by_keywords(bridge.get_statement_result)
        self.cancel_statement = _by_keywords(bridge.cancel_statement)


def _by_keywords(operation: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    return lambda **request: operation(request)


class MemoryObjects:
    """The calls of S3 that the adapter and the bridge make, on a dictionary."""

    def __init__(self) -> None:
        self._bodies: dict[str, bytes] = {}

    def put_object(self, **call: Any) -> None:  # noqa: ANN401 - boto3's own types
        """Keep the body."""
        self._bodies[call["Key"]] = call["Body"]

    def get_object(self, **call: Any) -> dict[str, io.BytesIO]:  # noqa: ANN401 - boto3's own types
        """Return an answer with the body."""
        return {"Body": io.BytesIO(self._bodies[call["Key"]])}

    def get_paginator(self, _operation: str) -> MemoryObjects:
        """Return the only paginator that is asked for, of lists."""
        return self

    def paginate(self, **call: Any) -> list[dict[str, list[dict[str, str]]]]:  # noqa: ANN401 - boto3's own types
        """Return the one page of keys below a prefix."""
        return [{"Contents": [{"Key": key} for key in self._bodies if key.startswith(call["Prefix"])]}]
