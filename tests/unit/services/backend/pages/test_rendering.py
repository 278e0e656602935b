"""Numbers, times and names as pages show them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.backend.pages.rendering import show_bytes, show_duration, show_number, show_percent, show_time, show_words


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (0, "0"),
        (1234567, "1,234,567"),
        (3.0, "3"),
        (0.123456, "0.1235"),
        (1234.56, "1,234.6"),
        (1e-9, "1e-09"),
        (-2.5, "-2.5"),
    ],
)
def test_numbers(value: float | None, shown: str) -> None:
    assert show_number(value) == shown


def test_shares_sizes_lengths_and_words() -> None:
    assert (show_percent(0.1234), show_percent(None)) == ("12.3 %", "-")
    assert [show_bytes(size) for size in (999, 1500, 2.5e6, 3e9)] == ["999 B", "1.5 kB", "2.5 MB", "3.0 GB"]
    assert [show_duration(length) for length in (None, 0.5, 150, 9000, timedelta(days=3))] == ["-", "0.5 s", "2.5 min", "2.5 h", "3.0 days"]
    assert show_words("import_file.failed") == "import file: failed"


def test_a_time_is_utc_for_machines_and_for_people_without_scripts() -> None:
    moment = datetime(2026, 3, 1, 14, 30, tzinfo=timezone(timedelta(hours=2)))

    assert str(show_time(moment)) == '<time datetime="2026-03-01T12:30:00Z">2026-03-01 12:30 UTC</time>'
    assert show_time(moment.astimezone(UTC).isoformat()) == show_time(moment)
    assert show_time(None) == "never"
