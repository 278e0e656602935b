"""Where a log-in may lead to afterwards."""

import pytest

from services.backend.pages.gate import is_local_path


@pytest.mark.parametrize("path", ["/", "/datasets?q=a&sort=-name", "/jobs/job_1#end", "/predictions?since=2026-01-01T00:00:00%2B01:00"])
def test_our_own_pages_are_local(path: str) -> None:
    assert is_local_path(path)


@pytest.mark.parametrize(
    "path",
    ["", "datasets", "//a.example", "/\\a.example", "https://a.example/", "\\\\a.example", "/a\\b", "/a\nb", "javascript:alert(1)", "///a"],
)
def test_what_may_lead_elsewhere_is_not(path: str) -> None:
    assert not is_local_path(path)
