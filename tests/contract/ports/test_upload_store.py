"""`UploadStore` on S3: a PUT to the URL arrives under the key."""

import secrets
import urllib.request

import pytest

from presage.adapters.client import build_client
from presage.adapters.s3.upload_store import S3UploadStore

pytestmark = pytest.mark.integration


def test_what_is_put_to_the_url_lies_under_the_key(emulator: str) -> None:
    client = build_client("s3")
    bucket, key = f"lake-{secrets.token_hex(6)}", "ws=ws_1/imports/up_1/orders 1.csv"
    client.create_bucket(Bucket=bucket)
    store = S3UploadStore(client, bucket)

    url = store.create_upload_url(key)
    assert store.find_upload_size(key) is None
    with urllib.request.urlopen(urllib.request.Request(url, data=b"a,b\n1,2\n", method="PUT")) as answer:  # noqa: S310 - our own URL
        assert answer.status == 200

    assert url.startswith(emulator)
    assert store.find_upload_size(key) == 8
    assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == b"a,b\n1,2\n"
