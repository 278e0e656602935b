from typing import TYPE_CHECKING, cast

import pytest

from presage.adapters.redshift.data_api import LONGEST_PAUSE_SECONDS, DataApi, Warehousing

if TYPE_CHECKING:
    from types_boto3_redshift_data import RedshiftDataAPIServiceClient


class TimedClient:
    """Ends its statement once pauses of `seconds` have passed."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.left -= seconds

    def execute_statement(self, **_arguments: str) -> dict[str, str]:
        return {"Id": "1"}

    def describe_statement(self, **_arguments: str) -> dict[str, object]:
        return {"Status": "FINISHED" if self.left <= 0 else "STARTED", "HasResultSet": False}


@pytest.mark.parametrize("seconds", [0.1, 0.31, 0.63, 1.3, 5.0])
def test_a_statement_is_waited_for_little_longer_than_it_takes(seconds: float) -> None:
    client = TimedClient(seconds)

    DataApi(cast("RedshiftDataAPIServiceClient", client), Warehousing("w", "d"), pause=client.pause).query("SELECT 1")

    assert seconds <= sum(client.pauses) <= 1.25 * seconds + 0.02
    assert max(client.pauses) <= LONGEST_PAUSE_SECONDS
    assert len(client.pauses) < 20
