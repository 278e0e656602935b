"""`CertificateStore`: one suite over memory and S3."""

from uuid import uuid4

import boto3
import pytest

from presage.adapters.client import build_client
from presage.adapters.memory.certificate_store import MemoryCertificateStore
from presage.adapters.s3.certificate_store import S3CertificateStore
from presage.errors import AlreadyExistsError
from presage.experiments.ports import CertificateStore


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest) -> CertificateStore:
    if request.param == "memory":
        return MemoryCertificateStore()
    assert request.getfixturevalue("emulator")
    bucket = f"lake-{uuid4().hex}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    return S3CertificateStore(bucket, build_client("s3"))


def test_a_certificate_is_written_once_and_read_back(store: CertificateStore) -> None:
    assert store.find_certificate("ws_1", "exp_1") is None
    store.create_certificate("ws_1", "exp_1", b'{"schema":1}')

    with pytest.raises(AlreadyExistsError):
        store.create_certificate("ws_1", "exp_1", b'{"schema":2}')

    assert store.find_certificate("ws_1", "exp_1") == b'{"schema":1}'


def test_another_workspace_or_experiment_has_none(store: CertificateStore) -> None:
    store.create_certificate("ws_1", "exp_1", b"{}")

    assert store.find_certificate("ws_2", "exp_1") is None
    assert store.find_certificate("ws_1", "exp_2") is None
