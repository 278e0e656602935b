from typing import TYPE_CHECKING, cast

import pytest

from presage.adapters.redshift.data_api import DataApi, Warehousing

if TYPE_CHECKING:
    from types_boto3_redshift_data import RedshiftDataAPIServiceClient


class RecordingClient:
    """Remembers what a statement was submitted with; it ends at once, without rows."""

    def __init__(self) -> None:
        self.submitted: dict[str, str] = {}

    def execute_statement(self, **arguments: str) -> dict[str, str]:
        self.submitted = arguments
        return {"Id": "1"}

    def describe_statement(self, **_arguments: str) -> dict[str, object]:
        return {"Status": "FINISHED", "HasResultSet": False}


@pytest.mark.parametrize(
    ("target", "place"),
    [("presage-staging", {"WorkgroupName": "presage-staging"}), ("cluster:presage-1", {"ClusterIdentifier": "presage-1"})],
)
def test_a_statement_goes_to_the_workgroup_or_the_cluster(target: str, place: dict[str, str]) -> None:
    client = RecordingClient()
    DataApi(cast("RedshiftDataAPIServiceClient", client), Warehousing(target, "presage")).query("SELECT 1")
    submitted = {name: value for name, value in client.submitted.items() if name not in {"Sql", "ClientToken"}}
    assert submitted == {**place, "Database": "presage"}
