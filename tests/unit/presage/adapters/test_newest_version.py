"""How the newest version is found among very many, by a client that only lists."""

import re
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from presage.adapters.s3.feature_set_store import S3FeatureSetStore
from presage.features.keys import build_manifest_key
from presage.features.records import FeatureSetVersion
from tests.fixtures.feature_records import NOW, make_dataset

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self) -> bytes:
        return self._content


class ListingClient:
    """Answers as S3 would for a dataset with versions 1 to `newest`, and counts the pages asked for."""

    def __init__(self, newest: int) -> None:
        self.newest = newest
        self.pages = 0

    def list_objects_v2(self, *, StartAfter: str, MaxKeys: int, **_: object) -> dict[str, Any]:  # noqa: N803 - boto3's names
        self.pages += 1
        after = int(StartAfter[-len("00000000.manifest.json") :][:8])
        numbers = range(after + 1, min(self.newest, after + MaxKeys) + 1)
        return {"Contents": [{"Key": build_manifest_key("ws_1", "ds_1", number)} for number in numbers]} if numbers else {}

    def get_object(self, *, Key: str, **_: object) -> dict[str, Any]:  # noqa: N803
        number = int(re.findall(r"\d{8}", Key)[0])
        return {"Body": Body(msgspec.json.encode(FeatureSetVersion(make_dataset(), number, (), NOW)))}


@pytest.mark.parametrize("newest", [1, 999, 1_000, 1_001, 1_500, 2_000, 2_001, 3_999, 4_000, 54_321, 1_000_000])
def test_the_newest_of_many_versions_is_found_in_few_pages(newest: int) -> None:
    client = ListingClient(newest)
    version = S3FeatureSetStore("lake", cast("S3Client", client)).find_version("ws_1", "ds_1")
    assert version is not None
    assert version.version == newest
    assert client.pages <= 25


def test_no_version_is_none() -> None:
    assert S3FeatureSetStore("lake", cast("S3Client", ListingClient(0))).find_version("ws_1", "ds_1") is None
