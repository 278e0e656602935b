"""Runs SQL through the Redshift Data API: submit, poll, read, and say precisely what failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from presage.errors import UnavailableError

if TYPE_CHECKING:
    from types_boto3_redshift_data import RedshiftDataAPIServiceClient

FIRST_PAUSE_SECONDS = 0.02
PAUSE_GROWTH = 1.25
"""A statement is noticed at most a quarter later than it ends: a look, and a certificate's verification, are made of many short ones."""
LONGEST_PAUSE_SECONDS = 2.0
CLUSTER_PREFIX = "cluster:"
FAILED = frozenset({"FAILED", "ABORTED"})

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Warehousing:
    """Where statements run: a Redshift Serverless workgroup, or `cluster:<identifier>`, its database, and how long one may take."""

    workgroup: str
    database: str
    timeout_seconds: float = 120.0


class DataApi:
    """The Data API of one database.

    Every submission carries a token of its own, so that botocore's retries of a lost answer submit once; what is
    submitted again after a failure has a new token, because the API answers an old one with the old, failed statement.
    """

    def __init__(self, client: RedshiftDataAPIServiceClient, target: Warehousing, *, pause: Callable[[float], None] = sleep) -> None:
        self._client = client
        self._target = target
        self._pause = pause

    def query(self, sql: str, parameters: Mapping[str, str] | None = None) -> list[tuple[Value, ...]]:
        """Return all rows of one statement; `:name` in it stands for a parameter, which the API passes as text.

        Raises:
            UnavailableError: The statement failed or did not end in time.
        """
        arguments: dict[str, Any] = {"Sql": sql}
        if parameters:
            arguments["Parameters"] = [{"name": name, "value": value} for name, value in parameters.items()]
        answer = self._call(self._client.execute_statement, **self._identity(), **arguments)
        description = self._wait(answer["Id"])
        return self._read_rows(answer["Id"]) if description["HasResultSet"] else []

    def run_batch(self, statements: Sequence[str]) -> None:
        """Return once all statements are committed together; after an error none has had an effect.

        Raises:
            UnavailableError: A statement failed, or the batch did not end in time.
        """
        answer = self._call(self._client.batch_execute_statement, **self._identity(), Sqls=list(statements))
        self._wait(answer["Id"])

    def _identity(self) -> dict[str, str]:
        name = self._target.workgroup
        cluster = name.removeprefix(CLUSTER_PREFIX)
        place = {"WorkgroupName": name} if cluster == name else {"ClusterIdentifier": cluster}
        return {**place, "Database": self._target.database, "ClientToken": str(uuid4())}

    def _wait(self, statement_id: str) -> Mapping[str, Any]:
        deadline = monotonic() + self._target.timeout_seconds
        pause = FIRST_PAUSE_SECONDS
        while True:
            description = self._call(self._client.describe_statement, Id=statement_id)
            if description["Status"] == "FINISHED":
                return description
            if description["Status"] in FAILED:
                raise UnavailableError(f"Redshift statement {statement_id} {description['Status']}: {_find_cause(description)}")
            if monotonic() > deadline:
                self._call(self._client.cancel_statement, Id=statement_id)
                raise UnavailableError(f"Redshift statement {statement_id} did not end in {self._target.timeout_seconds:g} s; cancelled")
            self._pause(pause)
            pause = min(PAUSE_GROWTH * pause, LONGEST_PAUSE_SECONDS)

    def _read_rows(self, statement_id: str) -> list[tuple[Value, ...]]:
        rows: list[tuple[Value, ...]] = []
        page = self._call(self._client.get_statement_result, Id=statement_id)
        while True:
            rows.extend(tuple(_read_field(field) for field in record) for record in page["Records"])
            if not page.get("NextToken"):
                return rows
            page = self._call(self._client.get_statement_result, Id=statement_id, NextToken=page["NextToken"])

    def _call(self, operation: Callable[..., Mapping[str, Any]], **arguments: Any) -> Mapping[str, Any]:  # noqa: ANN401 - boto3's own types
        try:
            return operation(**arguments)
        except (ClientError, BotoCoreError) as error:
            raise UnavailableError(f"Redshift Data API, workgroup {self._target.workgroup!r}: {error}") from error


def _find_cause(description: Mapping[str, Any]) -> str:
    """Return the error with the statement of the batch that caused it, if the API names one."""
    for part in description.get("SubStatements", []):
        if part["Status"] in FAILED and part.get("Error"):
            return f"{part['Error']} in: {part['QueryString'][:200]}"
    return str(description.get("Error", "no reason given"))


def _read_field(field: Mapping[str, Any]) -> Value:
    if field.get("isNull"):
        return None
    ((_, value),) = field.items()
    if isinstance(value, bytes):
        raise TypeError("the warehouse has no binary columns")
    return value  # type: ignore[no-any-return]
