"""The bridge as its callers see it: boto3 over the wire."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.fixtures.redshift import run_bridge

if TYPE_CHECKING:
    from types_boto3_redshift_data import RedshiftDataAPIServiceClient

pytestmark = pytest.mark.integration


class Caller:
    """A client with the workgroup and the database filled in."""

    def __init__(self, client: "RedshiftDataAPIServiceClient", database: str) -> None:
        self.client = client
        self.target: dict[str, Any] = {"WorkgroupName": "presage", "Database": database}

    def execute(self, statement: str, **arguments: Any) -> str:  # noqa: ANN401 - boto3's own arguments
        return self.client.execute_statement(**{**self.target, "Sql": statement, **arguments})["Id"]

    def batch(self, *statements: str) -> str:
        return self.client.batch_execute_statement(**self.target, Sqls=list(statements))["Id"]

    def wait(self, statement_id: str) -> dict[str, Any]:
        while (found := self.client.describe_statement(Id=statement_id))["Status"] not in {"FINISHED", "FAILED", "ABORTED"}:
            time.sleep(0.01)
        return dict(found)

    def read(self, statement: str, **parameters: str) -> list[Any]:
        arguments = {"Parameters": [{"name": name, "value": value} for name, value in parameters.items()]} if parameters else {}
        statement_id = self.execute(statement, **arguments)
        described = self.wait(statement_id)
        assert described["Status"] == "FINISHED", described["Error"]
        return list(self.client.get_statement_result(Id=statement_id)["Records"])


def wait_for_scans(caller: Caller) -> tuple[int, int]:
    """Return how many rows of the table `keyed` were read through it and through its index. PostgreSQL counts when a session ends."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        ((scanned, fetched),) = caller.read("SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'keyed'")
        if scanned["longValue"] or fetched["longValue"]:
            return scanned["longValue"], fetched["longValue"]
        time.sleep(0.05)
    raise AssertionError("nothing was read")


@pytest.fixture(scope="module")
def bucket(emulator: str) -> str:
    assert emulator.startswith("http")
    name = f"bridge-{uuid4().hex}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="module")
def caller(bucket: str, postgres: str) -> Iterator[Caller]:
    assert bucket.startswith("bridge-")
    with run_bridge(postgres) as endpoint:
        caller = Caller(boto3.client("redshift-data", endpoint_url=endpoint), postgres.rpartition("/")[2])
        caller.wait(caller.execute("CREATE TABLE t (a INTEGER)"))
        yield caller


def test_values_come_back_in_the_apis_form(caller: Caller) -> None:
    rows = caller.read("SELECT 1, 2.5::DOUBLE PRECISION, TRUE, 'é''', NULL, CAST('2026-01-02 03:04:05.5' AS TIMESTAMP)")
    expected = [{"longValue": 1}, {"doubleValue": 2.5}, {"booleanValue": True}, {"stringValue": "é'"}, {"isNull": True}]
    assert rows == [[*expected, {"stringValue": "2026-01-02 03:04:05.500000"}]]


def test_redshifts_own_functions_are_translated(caller: Caller) -> None:
    rows = caller.read("SELECT DATEADD(hour, 72, CAST('2026-01-01' AS TIMESTAMP)), NVL(NULL, 'x'), DATEDIFF(day, GETDATE(), GETDATE())")
    assert rows == [[{"stringValue": "2026-01-04 00:00:00"}, {"stringValue": "x"}, {"longValue": 0}]]


def test_parameters_are_values_and_never_sql(caller: Caller) -> None:
    text = "'; DROP TABLE x; -- % %s :other \\"
    assert caller.read("SELECT :text, :text", text=text) == [[{"stringValue": text}, {"stringValue": text}]]


@pytest.mark.parametrize("parameters", [[{"name": "b", "value": "1"}], [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]])
def test_parameters_must_be_those_of_the_statement(caller: Caller, parameters: list[dict[str, str]]) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        caller.execute("SELECT :a", Parameters=parameters)


def test_results_are_paged(caller: Caller) -> None:
    statement_id = caller.execute("SELECT * FROM GENERATE_SERIES(1, 2500) AS numbers (n) ORDER BY n")
    assert caller.wait(statement_id)["ResultRows"] == 2500
    pages = list(caller.client.get_paginator("get_statement_result").paginate(Id=statement_id))
    assert [len(page["Records"]) for page in pages] == [1000, 1000, 500]
    assert pages[2]["Records"][-1] == [{"longValue": 2500}]


def test_a_batch_is_one_transaction(caller: Caller) -> None:
    caller.wait(caller.batch("CREATE TABLE kept (a INTEGER) DISTSTYLE ALL SORTKEY (a)", "INSERT INTO kept VALUES (1)"))
    failed = caller.wait(caller.batch("INSERT INTO kept VALUES (2)", "SELECT 1/0", "INSERT INTO kept VALUES (3)"))
    assert failed["Status"] == "FAILED"
    assert "division by zero" in failed["Error"]
    assert [part["Status"] for part in failed["SubStatements"]] == ["FINISHED", "FAILED", "ABORTED"]
    assert caller.read("SELECT a FROM kept") == [[{"longValue": 1}]]


def test_one_token_runs_once(caller: Caller) -> None:
    caller.wait(caller.batch("CREATE TABLE tokens (a INTEGER)"))
    ids = {caller.execute("INSERT INTO tokens VALUES (1)", ClientToken="once") for _ in range(3)}
    assert len(ids) == 1
    caller.wait(ids.pop())
    assert caller.read("SELECT COUNT(*) FROM tokens") == [[{"longValue": 1}]]


def test_json_lines_are_copied_by_name(caller: Caller, bucket: str) -> None:
    s3 = boto3.client("s3")
    s3.put_object(Bucket=bucket, Key="rows/1.json", Body='{"b":"x\\ty\\\\n é","a":1,"c":true}\n{"a":2}\n'.encode())
    s3.put_object(Bucket=bucket, Key="rows/2.json", Body=b'{"a":3,"b":null}')
    copy = f"COPY copied FROM 's3://{bucket}/rows/' IAM_ROLE 'arn:aws:iam::0:role/r' FORMAT AS JSON 'auto' TIMEFORMAT 'auto'"
    described = caller.wait(caller.batch("CREATE TABLE copied (a INTEGER, b VARCHAR(20))", copy))
    assert described["Status"] == "FINISHED", described
    rows = caller.read("SELECT a, b FROM copied ORDER BY a")
    assert rows[0] == [{"longValue": 1}, {"stringValue": "x\ty\\n é"}]
    assert rows[1:] == [[{"longValue": 2}, {"isNull": True}], [{"longValue": 3}, {"isNull": True}]]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT 1; SELECT 2", "one statement"),
        ("VACUUM everything", "one statement that the bridge knows"),
        ("SELECT * FROM missing", 'relation "missing" does not exist'),
        ("COPY t FROM 's3://{bucket}/none' IAM_ROLE 'r' FORMAT AS JSON 'auto'", "does not exist"),
        ("COPY t FROM 's3://nobody-has-this/none' IAM_ROLE 'r' FORMAT AS JSON 'auto'", "does not exist"),
        ("COPY t FROM 's3://{bucket}/rows/' IAM_ROLE 'r' FORMAT AS CSV", "the bridge copies JSON 'auto' and PARQUET"),
    ],
)
def test_what_cannot_run_fails_with_its_reason(caller: Caller, bucket: str, statement: str, message: str) -> None:
    described = caller.wait(caller.execute(statement.format(bucket=bucket)))
    assert described["Status"] == "FAILED"
    assert message in described["Error"]


def test_an_unknown_database_fails(caller: Caller) -> None:
    described = caller.wait(caller.execute("SELECT 1", Database="nobody"))
    assert 'database "nobody" does not exist' in described["Error"]


def test_an_unknown_statement_is_not_found(caller: Caller) -> None:
    with pytest.raises(caller.client.exceptions.ResourceNotFoundException):
        caller.client.describe_statement(Id=str(uuid4()))


def test_a_statement_without_rows_has_no_result(caller: Caller) -> None:
    statement_id = caller.execute("CREATE TABLE silent (a INTEGER)")
    assert caller.wait(statement_id)["HasResultSet"] is False
    with pytest.raises(caller.client.exceptions.ResourceNotFoundException):
        caller.client.get_statement_result(Id=statement_id)


def test_a_cancelled_batch_has_no_effect(caller: Caller) -> None:
    caller.wait(caller.execute("CREATE TABLE cancelled (a INTEGER)"))
    statement_id = caller.batch("INSERT INTO cancelled VALUES (1)", "SELECT PG_SLEEP(60)")
    while not caller.client.cancel_statement(Id=statement_id)["Status"]:
        time.sleep(0.05)
    assert caller.wait(statement_id)["Status"] == "ABORTED"
    assert caller.read("SELECT COUNT(*) FROM cancelled") == [[{"longValue": 0}]]


def test_the_bridge_ends_soon_even_while_a_statement_runs(postgres: str) -> None:
    with run_bridge(postgres) as endpoint:
        caller = Caller(boto3.client("redshift-data", endpoint_url=endpoint), postgres.rpartition("/")[2])
        caller.execute("SELECT PG_SLEEP(60)")


def test_a_transaction_that_staged_rows_looks_up_what_it_needs_for_them(caller: Caller) -> None:
    """Of 20,000 rows it reads those of the staged key, and not the table."""
    fill = "INSERT INTO keyed SELECT CAST(n AS VARCHAR(8)), n FROM (SELECT GENERATE_SERIES(1, 20000) AS n) AS made"
    caller.wait(caller.batch("CREATE TABLE keyed (a VARCHAR(8), n INTEGER) SORTKEY (a)", fill))
    staged = "CREATE TEMP TABLE staged AS SELECT '7' AS a"
    found = caller.wait(caller.batch(staged, "SELECT n FROM keyed JOIN staged ON staged.a = keyed.a"))
    assert found["Status"] == "FINISHED", found["Error"]
    assert wait_for_scans(caller) == (0, 1)


def test_a_table_that_others_filled_is_analysed_when_it_is_locked(caller: Caller) -> None:
    caller.wait(caller.execute("CREATE TABLE filled (n INTEGER)"))
    fill = "INSERT INTO filled SELECT n FROM (SELECT GENERATE_SERIES(1, 3000) AS n) AS made"
    for statements in ([fill], [fill], ["LOCK filled, t", "SELECT 1"]):
        assert caller.wait(caller.batch(*statements))["Status"] == "FINISHED"
    assert caller.read("SELECT CAST(reltuples AS BIGINT) FROM pg_class WHERE relname = 'filled'") == [[{"longValue": 6000}]]
