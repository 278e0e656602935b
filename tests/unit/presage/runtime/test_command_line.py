import pytest

from presage.experiments.certification import certify as certification
from presage.experiments.certification.verdict import Finding, Share
from presage.runtime.command_line import describe, main, report


def test_a_finding_is_told_with_its_errors_and_bounds() -> None:
    finding = Finding("count", (Share("wrong", 2, 100, 0.05, "at most"), Share("power", 50, 100, 0.8, "at least")), 9.25, 9.6)
    assert describe(finding).splitlines() == [
        "count",
        "  wrong                   2.00 % ± 2.18, at most 5 %",
        "  power                  50.00 % ± 4.00, at least 80 %   OUT OF BOUND",
        "  days to decision         9.2, planned 9.6",
    ]


@pytest.mark.parametrize(("count", "code"), [(0, 0), (100, 1)])
def test_the_exit_code_tells_whether_all_bounds_hold(count: int, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    finding = Finding("count", (Share("wrong", count, 100, 0.05, "at most"),), None, None)
    assert report([finding], began=0.0) == code
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.endswith("out of bound: count" if code else "all within their bounds")


def test_nothing_else_is_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["experiments"], ["experiments", "believe"]):
        with pytest.raises(SystemExit):
            main(arguments)
    assert "certify" in capsys.readouterr().err
    assert certification.RUNS >= 1_000
