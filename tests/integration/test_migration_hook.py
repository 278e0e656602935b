"""What Elastic Beanstalk runs before it serves a new backend: the hook of the built bundle, with the environment's variables."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from sqlalchemy import inspect

import presage.adapters.sql.notification_tables  # noqa: F401 - its tables
from presage.adapters.redshift.migrate import list_migrations
from presage.adapters.sql.database import build_engine_from_url
from presage.adapters.sql.tables import Row
from stacks.constructs import bundles
from tests.fixtures.backend_settings import build_settings
from tests.fixtures.database_secret import create_secret, create_secret_of
from tests.fixtures.redshift import run_bridge

pytestmark = pytest.mark.integration

HOOK = ".platform/hooks/predeploy/10_migrate.sh"


@pytest.fixture(scope="module")
def environment(emulator: str, mariadb: str, postgres: str) -> Iterator[dict[str, str]]:
    address = urlsplit(mariadb)
    settings = build_settings(
        DATABASE_HOST=address.hostname,
        DATABASE_PORT=address.port,
        DATABASE_NAME=address.path.lstrip("/"),
        DATABASE_SECRET_ARN=create_secret_of(mariadb),
        REDSHIFT_WORKGROUP="presage",
        REDSHIFT_DATABASE=urlsplit(postgres).path.lstrip("/"),
        OPERATOR_TOKEN="operator-secret",
    )
    with run_bridge(postgres) as bridge:
        yield {
            **settings,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}",
            "PYTHONPATH": "/var/app/current",
            "AWS_ENDPOINT_URL": emulator,
            "AWS_ENDPOINT_URL_REDSHIFT_DATA": bridge,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }


def run_hook(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    bundle = bundles.build_service("backend")
    return subprocess.run([bundle / HOOK], cwd=bundle, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_instances_that_start_together_bring_both_schemas_up_to_date_once(environment: dict[str, str], mariadb: str, postgres: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(run_hook, [environment] * 2))

    assert [one.returncode for one in done] == [0, 0], [one.stdout + one.stderr for one in done]
    applied = [json.loads(one.stdout.splitlines()[-1])["warehouse_applied"] for one in done]
    assert sorted(applied) == [[], list_migrations()]
    engine = build_engine_from_url(mariadb)
    assert set(inspect(engine).get_table_names()) == {*Row.metadata.tables, "alembic_version"}
    engine.dispose()
    with psycopg.connect(postgres) as connection:
        granted = "SELECT table_name FROM information_schema.role_table_grants WHERE grantee = 'PUBLIC' AND privilege_type = 'INSERT'"
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migrations'")
        assert set(connection.execute(granted + " AND table_schema = 'public'").fetchall()) == set(tables.fetchall())


def test_a_failed_migration_fails_the_deployment_and_tells_no_secret(environment: dict[str, str]) -> None:
    done = run_hook({**environment, "PRESAGE_DATABASE_SECRET_ARN": create_secret("nobody", "hunter2")})

    assert done.returncode != 0
    assert "hunter2" not in done.stdout + done.stderr
    assert "operator-secret" not in done.stdout + done.stderr
