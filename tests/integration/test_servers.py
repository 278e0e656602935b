"""The servers that other tests rely on really serve."""

import secrets

import boto3
import psycopg
import pytest
from sqlalchemy import create_engine, text

pytestmark = pytest.mark.integration


def test_the_emulator_keeps_an_object(emulator: str) -> None:
    client = boto3.client("s3")
    bucket = f"bucket-{secrets.token_hex(4)}"

    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="a/b", Body=b"bytes")

    assert client.meta.endpoint_url == emulator
    assert client.get_object(Bucket=bucket, Key="a/b")["Body"].read() == b"bytes"


def test_mariadb_keeps_a_row_in_a_database_of_its_own(mariadb: str) -> None:
    engine = create_engine(mariadb)

    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (name VARCHAR(10))"))
        connection.execute(text("INSERT INTO t VALUES ('é')"))
    with engine.begin() as connection:
        rows = connection.execute(text("SELECT name FROM t")).all()
    engine.dispose()

    assert rows == [("é",)]


def test_postgres_keeps_a_row(postgres: str) -> None:
    with psycopg.connect(postgres) as connection:
        connection.execute("CREATE TABLE t (n int)")
        connection.execute("INSERT INTO t VALUES (7)")
        rows = connection.execute("SELECT n FROM t").fetchall()

    assert rows == [(7,)]
