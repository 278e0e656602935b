"""The exports of an Amplitude project in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from presage.errors import ResponseTooLargeError
from presage.features.sources.amplitude import AmplitudeExport, HourWindow


class MemoryAmplitudeExports:
    """`AmplitudeExports` on lines by hour. `windows` are those that were asked for."""

    def __init__(self, hours: Mapping[datetime, Sequence[bytes]], *, max_lines: int = 10**9, line_bytes: int = 1) -> None:
        """Serve `hours`, `max_lines` at once; each line counts as `line_bytes`."""
        self._hours = hours
        self._max_lines = max_lines
        self._line_bytes = line_bytes
        self.windows: list[HourWindow] = []

    @contextmanager
    def open_export(self, window: HourWindow) -> Iterator[AmplitudeExport]:
        """Yield the export of a window."""
        self.windows.append(window)
        hours = [window.start + timedelta(hours=number) for number in range(window.hours)]
        files = {f"{hour:%Y-%m-%d_%H}": self._hours[hour] for hour in hours if hour in self._hours}
        lines = sum(map(len, files.values()))
        if lines > self._max_lines:
            raise ResponseTooLargeError(f"{lines} lines; at most {self._max_lines} are given")
        yield AmplitudeExport(lines * self._line_bytes, iter([(name, iter(content)) for name, content in files.items()]))
