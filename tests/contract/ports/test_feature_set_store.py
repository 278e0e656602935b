"""`FeatureSetStore`: one suite over memory and S3."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from presage.adapters.client import build_client
from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.adapters.s3.feature_set_store import S3FeatureSetStore
from presage.errors import AlreadyExistsError, CorruptArtifactError
from presage.features.dataset import Dataset
from presage.features.ports import FeatureSetStore
from presage.features.records import FeatureSetVersion, Part
from tests.fixtures.feature_records import NOW, make_dataset, make_record


@dataclass
class Lake:
    store: FeatureSetStore
    dataset: Dataset

    def put(self, *numbers: int, batch_id: str = "b1", month: str = "2025-01") -> Part:
        return self.store.put_part(self.dataset, batch_id, month, [make_record(number) for number in numbers])

    def create(self, number: int, *parts: Part) -> FeatureSetVersion:
        version = FeatureSetVersion(self.dataset, number, parts, NOW)
        self.store.create_version(version)
        return version


class DamagingStore(MemoryFeatureSetStore):
    def damage(self, key: str) -> None:
        self.objects[key] = b"PAR1 not what it was PAR1"


class DamagingS3Store(S3FeatureSetStore):
    def damage(self, key: str) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=b"PAR1 not what it was PAR1")


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.integration)])
def lake(request: pytest.FixtureRequest) -> Iterator[Lake]:
    dataset = make_dataset(f"ds_{secrets.token_hex(4)}")
    if request.param == "memory":
        yield Lake(DamagingStore(), dataset)
        return
    request.getfixturevalue("emulator")
    client = build_client("s3")
    bucket = f"lake-{secrets.token_hex(6)}"
    client.create_bucket(Bucket=bucket)
    yield Lake(DamagingS3Store(bucket, client), dataset)
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            client.delete_object(Bucket=bucket, Key=entry["Key"])
    client.delete_bucket(Bucket=bucket)


def test_reads_back_the_rows_of_all_parts(lake: Lake) -> None:
    version = lake.create(1, lake.put(2, 1), lake.put(40, batch_id="b2", month="2025-02"))
    frame = lake.store.read_frame(version)
    assert frame.columns == ["record_id", "entity_id", "event_timestamp", "known_timestamp", "amount", "shop", "returned"]
    assert frame.rows() == [
        (f"r{n:06d}", f"c{n % 7}", datetime(2025, 1, 1) + timedelta(days=n), NOW.replace(tzinfo=None), n + 0.5, f"shop {n % 3}", n % 2 == 0)  # noqa: DTZ001 - parquet holds naive UTC
        for n in (1, 2, 40)
    ]


def test_puts_a_part_below_its_workspace_dataset_and_month(lake: Lake) -> None:
    part = lake.put(1)
    assert part.key == f"ws=ws_1/dataset={lake.dataset.dataset_id}/records/event_month=2025-01/b1.parquet"
    assert part.rows == 1


def test_keeps_the_first_bytes_of_a_part_that_is_put_again(lake: Lake) -> None:
    first = lake.put(1, 2, 3)
    later = [make_record(number, known=NOW + timedelta(minutes=5)) for number in (1, 2, 3)]
    assert lake.store.put_part(lake.dataset, "b1", "2025-01", later) == first
    frame = lake.store.read_frame(lake.create(1, first))
    assert frame["known_timestamp"].unique().to_list() == [NOW.replace(tzinfo=None)]


def test_reads_one_row_per_record_id_the_earliest_known(lake: Lake) -> None:
    early = make_record(1, known=NOW - timedelta(days=1), entity_id="early")
    late = make_record(1, known=NOW, entity_id="late")
    parts = [lake.store.put_part(lake.dataset, name, "2025-01", [record]) for name, record in (("b1", late), ("b2", early))]
    frame = lake.store.read_frame(lake.create(1, *parts))
    assert frame["entity_id"].to_list() == ["early"]


def test_reads_the_ids_of_a_part_with_when_they_were_known(lake: Lake) -> None:
    part = lake.store.put_part(
        lake.dataset, "b1", "2025-01", [make_record(1, known=NOW), make_record(2, known=NOW + timedelta(microseconds=1))]
    )
    known = int(NOW.timestamp()) * 1_000_000
    assert isinstance(lake.store, DamagingStore | DamagingS3Store)
    assert list(lake.store.read_ids(part)) == [("r000001", known), ("r000002", known + 1)]
    lake.store.damage(part.key)
    with pytest.raises(CorruptArtifactError, match=part.key):
        lake.store.read_ids(part)


def test_finds_no_version_of_an_empty_or_foreign_dataset(lake: Lake) -> None:
    lake.create(1, lake.put(1))
    assert lake.store.find_version("ws_1", "ds_other") is None
    assert lake.store.find_version("ws_2", lake.dataset.dataset_id) is None
    assert lake.store.find_version("ws_1", lake.dataset.dataset_id, 2) is None


def test_finds_the_newest_and_any_older_version(lake: Lake) -> None:
    part = lake.put(1)
    versions = [lake.create(number, part) for number in range(1, 12)]
    assert lake.store.find_version("ws_1", lake.dataset.dataset_id) == versions[-1]
    assert lake.store.find_version("ws_1", lake.dataset.dataset_id, 3) == versions[2]


def test_gives_a_version_number_only_once(lake: Lake) -> None:
    first = lake.create(1, lake.put(1))
    with pytest.raises(AlreadyExistsError):
        lake.create(1, lake.put(2, batch_id="b2"))
    assert lake.store.find_version("ws_1", lake.dataset.dataset_id) == first


def test_refuses_a_part_whose_bytes_changed(lake: Lake) -> None:
    part = lake.put(1)
    version = lake.create(1, part)
    assert isinstance(lake.store, DamagingStore | DamagingS3Store)
    lake.store.damage(part.key)
    with pytest.raises(CorruptArtifactError, match=part.key):
        lake.store.read_frame(version)


def test_refuses_a_version_of_which_a_part_is_gone(lake: Lake) -> None:
    version = lake.create(1, lake.put(1), Part("ws=ws_1/dataset=ds_1/records/event_month=2025-01/gone.parquet", "00", 1, 1))
    with pytest.raises(CorruptArtifactError, match="gone"):
        lake.store.read_frame(version)


def test_keeps_a_profile_for_each_version(lake: Lake) -> None:
    version = lake.create(1, lake.put(1))
    assert lake.store.find_profile("ws_1", lake.dataset.dataset_id, 1) is None
    lake.store.put_profile(version, sample=b'{"a":1}\n', summary={"rows": 1, "at": datetime(2026, 1, 1, tzinfo=UTC)})
    assert lake.store.find_profile("ws_1", lake.dataset.dataset_id, 1) == (b'{"a":1}\n', {"rows": 1, "at": "2026-01-01T00:00:00Z"})
    assert lake.store.find_profile("ws_1", lake.dataset.dataset_id, 2) is None


def test_reads_an_empty_version_as_an_empty_frame(lake: Lake) -> None:
    frame = lake.store.read_frame(lake.create(1))
    assert frame.height == 0
    assert frame.schema["amount"] == pl.Float64()
