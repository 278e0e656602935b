"""Looks behind the APIs: what is really in S3, DynamoDB and the warehouse. The demo reports these counts, not its own."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import boto3

from demo.clients import JsonObject, wait_a_moment
from demo.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable

WAIT_SECONDS = 180


class EvidenceError(Exception):
    """Something that must be there is not."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Reads the stores of a running stack directly."""

    stack: Stack

    def read_object(self, key: str) -> bytes:
        """Return an object of the lake."""
        client = boto3.client("s3", endpoint_url=self.stack.emulator_url, region_name=self.stack.region)
        return client.get_object(Bucket=self.stack.lake_bucket, Key=key)["Body"].read()

    def read_profile(self, workspace_id: str, dataset_id: str, version: int) -> tuple[int, JsonObject]:
        """Return the number of rows of the sample and the summary, both from S3."""
        prefix = f"ws={workspace_id}/dataset={dataset_id}/profiles/{version:08d}"
        sample = self.read_object(f"{prefix}/sample.ndjson")
        return len(sample.splitlines()), cast("JsonObject", json.loads(self.read_object(f"{prefix}/summary.json")))

    def count_predictions(self, workspace_id: str) -> int:
        """Return how many entries of the workspace the prediction log holds (a full scan: for evidence, not for products)."""
        client = boto3.client("dynamodb", endpoint_url=self.stack.emulator_url, region_name=self.stack.region)
        pages = client.get_paginator("scan").paginate(
            TableName=self.stack.prediction_table,
            Select="COUNT",
            FilterExpression="workspace_id = :workspace",
            ExpressionAttributeValues={":workspace": {"S": workspace_id}},
        )
        return sum(page["Count"] for page in pages)

    def count_assignments(self, workspace_id: str) -> dict[str, int]:
        """Return the workspace's rows of the warehouse's `assignments` by variant."""
        sql = "SELECT variant, COUNT(*) FROM assignments WHERE workspace_id = :workspace GROUP BY variant"
        rows = self.query(sql, workspace=workspace_id)
        return {str(row[0]["stringValue"]): int(row[1]["longValue"]) for row in rows}

    def query(self, sql: str, **parameters: str) -> list[list[dict[str, Any]]]:
        """Return the rows of a statement of the warehouse; none when it is no query."""
        client = boto3.client("redshift-data", endpoint_url=self.stack.redshift_data_url, region_name=self.stack.region)
        statement = client.execute_statement(
            WorkgroupName=self.stack.redshift_workgroup,
            Database=self.stack.redshift_database,
            Sql=sql,
            Parameters=[{"name": name, "value": value} for name, value in parameters.items()],
        )
        while (state := client.describe_statement(Id=statement["Id"]))["Status"] not in {"FINISHED", "FAILED", "ABORTED"}:
            wait_a_moment()
        if state["Status"] != "FINISHED":
            raise EvidenceError(f"{sql}: {state.get('Error')}")
        if not state.get("HasResultSet"):
            return []
        return cast("list[list[dict[str, Any]]]", client.get_statement_result(Id=statement["Id"])["Records"])


def wait_until(reached: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> None:
    """Return once `reached` is true, or raise `EvidenceError` naming `what` was waited for.

    Between two looks it pauses for at least twice as long as one takes: a scan must not hold up what it waits for.
    """
    deadline = time.monotonic() + seconds
    asked = time.monotonic()
    while not reached():
        took = time.monotonic() - asked
        if time.monotonic() > deadline:
            raise EvidenceError(f"after {seconds:.0f} s: {what}. See `make status` and .local/logs")
        wait_a_moment(2 * took)
        asked = time.monotonic()
