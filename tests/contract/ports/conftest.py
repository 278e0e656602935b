"""The databases of the suites: migrated once a module. Every test uses a workspace or an experiment of its own."""

import secrets
from collections.abc import Iterator
from uuid import uuid4

import boto3
import pytest
from sqlalchemy import Engine

from presage.adapters.client import build_client
from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.adapters.memory.warehouse import MemoryWarehouse
from presage.adapters.redshift.data_api import DataApi, Warehousing
from presage.adapters.redshift.ledger import RedshiftLedger
from presage.adapters.redshift.migrate import list_migrations
from presage.adapters.redshift.migrate import migrate as migrate_warehouse
from presage.adapters.redshift.warehouse import RedshiftWarehouse, Staging
from presage.adapters.s3.feature_set_store import S3FeatureSetStore
from presage.adapters.sql.database import build_engine_from_url
from presage.adapters.sql.migrate import migrate
from tests.fixtures.redshift import run_bridge
from tests.fixtures.warehouse import Place, build_experiment


@pytest.fixture(scope="module")
def engine(mariadb: str) -> Iterator[Engine]:
    engine = build_engine_from_url(mariadb)
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def workspace_id() -> str:
    return f"ws_{secrets.token_hex(16)}"


@pytest.fixture(scope="module")
def data_api(emulator: str, postgres: str) -> Iterator[DataApi]:
    assert emulator
    with run_bridge(postgres) as endpoint, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_REDSHIFT_DATA", endpoint)
        api = DataApi(build_client("redshift-data"), Warehousing("presage", postgres.rpartition("/")[2]))
        assert migrate_warehouse(api) == list_migrations()
        yield api


@pytest.fixture(params=["memory", pytest.param("redshift", marks=pytest.mark.integration)])
def place(request: pytest.FixtureRequest) -> Place:
    experiment = build_experiment()
    if request.param == "memory":
        memory = MemoryFeatureSetStore()
        both = MemoryWarehouse(memory)
        return Place(both, both, memory, experiment)
    api: DataApi = request.getfixturevalue("data_api")
    bucket = f"lake-{uuid4().hex}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    client = build_client("s3")
    warehouse = RedshiftWarehouse(api, client, Staging(bucket, "arn:aws:iam::000000000000:role/copy"))
    return Place(warehouse, RedshiftLedger(api), S3FeatureSetStore(bucket, client), experiment)
