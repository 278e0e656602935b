"""`LandedIds`: one suite over memory and S3."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import pytest

from presage.adapters.client import build_client
from presage.adapters.memory.landed_ids import MemoryLandedIds
from presage.adapters.s3.landed_ids import S3LandedIds
from presage.errors import CorruptArtifactError
from presage.features.ports import LandedIds
from tests.fixtures.feature_records import make_dataset

DATASET = make_dataset()
DAY = date(2026, 3, 1)


@dataclass
class Lake:
    ids: LandedIds
    bucket: str
    damage: Callable[[str], object]
    remove: Callable[[str], object]


def build_s3_lake(cache_bytes: int = 0) -> Lake:
    s3 = build_client("s3")
    name = f"ids-{secrets.token_hex(6)}"
    s3.create_bucket(Bucket=name)
    return Lake(
        S3LandedIds(name, s3, cache_bytes=cache_bytes),
        name,
        lambda key: s3.put_object(Bucket=name, Key=key, Body=b"x"),
        lambda key: s3.delete_object(Bucket=name, Key=key),
    )


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.integration)])
def lake(request: pytest.FixtureRequest) -> Iterator[Lake]:
    if request.param == "memory":
        objects: dict[str, bytes] = {}
        yield Lake(MemoryLandedIds(objects), "", lambda key: objects.update({key: b"x"}), objects.pop)
        return
    request.getfixturevalue("emulator")
    yield build_s3_lake()


def test_ids_are_found_in_the_segments_that_are_named_only(lake: Lake) -> None:
    first = lake.ids.put_segment(DATASET, DAY, ["a", "b", "é" * 100])
    second = lake.ids.put_segment(DATASET, DAY, ["c"])
    wanted = ["é" * 100, "c", "d", "a"]
    assert lake.ids.find_landed([first, second], wanted) == {"a", "c", "é" * 100}
    assert lake.ids.find_landed([second], wanted) == {"c"}
    assert lake.ids.find_landed([], wanted) == set()
    assert lake.ids.find_landed([first], []) == set()


def test_a_segment_takes_others_in(lake: Lake) -> None:
    first = lake.ids.put_segment(DATASET, DAY, ["a", "b"])
    merged = lake.ids.put_segment(DATASET, DAY, ["b", "c"], merged=[first])
    assert (merged.ids, merged.day) == (3, DAY)
    assert lake.ids.find_landed([merged], ["a", "b", "c", "d"]) == {"a", "b", "c"}


def test_the_same_ids_are_the_same_object(lake: Lake) -> None:
    first = lake.ids.put_segment(DATASET, DAY, ["a", "b"])
    assert lake.ids.put_segment(DATASET, DAY, ["b", "a"]) == first
    assert first.key.startswith("ws=ws_1/dataset=ds_1/ids/day=2026-03-01/")


def test_ten_thousand_ids_are_told_from_ten_thousand_others(lake: Lake) -> None:
    segment = lake.ids.put_segment(DATASET, DAY, [f"there-{number}" for number in range(10_000)])
    asked = [f"{kind}-{number}" for number in range(0, 10_000, 7) for kind in ("there", "other")]
    assert lake.ids.find_landed([segment], asked) == {each for each in asked if each.startswith("there")}


def test_a_damaged_or_missing_segment_is_an_error(lake: Lake) -> None:
    segments = [lake.ids.put_segment(DATASET, DAY, [each]) for each in "ab"]
    lake.damage(segments[0].key)
    lake.remove(segments[1].key)
    for segment in segments:
        with pytest.raises(CorruptArtifactError):
            lake.ids.find_landed([segment], ["a"])


@pytest.mark.integration
@pytest.mark.usefixtures("emulator")
def test_a_segment_is_tagged_for_the_lifecycle_that_removes_it() -> None:
    lake, s3 = build_s3_lake(), build_client("s3")
    segment = lake.ids.put_segment(DATASET, DAY, ["a"])
    assert s3.get_object_tagging(Bucket=lake.bucket, Key=segment.key)["TagSet"] == [{"Key": "presage", "Value": "ids"}]


@pytest.mark.integration
@pytest.mark.usefixtures("emulator")
def test_what_was_read_is_kept_within_the_bound() -> None:
    ids = [f"{number}" for number in range(1_000)]
    lake = build_s3_lake(cache_bytes=40_000)
    segments = [lake.ids.put_segment(DATASET, DAY, [f"{name}{each}" for each in ids]) for name in "abc"]
    lake.remove(segments[2].key)
    assert lake.ids.find_landed([segments[2]], ["c1"]) == {"c1"}
    lake.remove(segments[0].key)
    with pytest.raises(CorruptArtifactError):
        lake.ids.find_landed([segments[0]], ["a1"])
