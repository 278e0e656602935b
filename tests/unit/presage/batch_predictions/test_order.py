import pytest

from presage.batch_predictions.order import (
    EntitySource,
    Order,
    build_namespace,
    choose_partition,
    compute_prediction_id,
    count_partitions,
    decode_order,
    encode_order,
)
from presage.errors import CorruptArtifactError

ORDER = Order(
    "ws_1", "job_1", "mdl_1", 2, "ranking", "t", "a" * 64, "s/snapshot.json", "b" * 64, "s/features.lmdb", 7,
    EntitySource("csv", "é", ("k",), "d"),
)  # fmt: skip


def test_an_order_is_read_as_it_was_written() -> None:
    assert decode_order(encode_order(ORDER)) == ORDER


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", encode_order(ORDER).replace(b'"format":1', b'"format":2'), b'{"source":{"keys":1}}'])
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(CorruptArtifactError):
        decode_order(body)


def test_a_prediction_has_one_id_a_job_and_entity() -> None:
    first, second = build_namespace("job_1"), build_namespace("job_2")
    assert compute_prediction_id(first, "c1") == compute_prediction_id(first, "c1") == "5c6d671e-f80b-50bf-87a6-efeac44bf8b2"
    assert len({compute_prediction_id(space, each) for space in (first, second) for each in ("c1", "c2")}) == 4


def test_partitions_are_of_about_one_size() -> None:
    space = build_namespace("job_1")
    sizes = [0] * 5
    for number in range(5_000):
        sizes[choose_partition(compute_prediction_id(space, f"c{number}"), 5)] += 1
    assert min(sizes) > 900


@pytest.mark.parametrize(("rows", "partitions"), [(0, 1), (1, 1), (10, 1), (11, 2), (20, 2)])
def test_there_is_room_for_all_rows_and_always_a_partition(rows: int, partitions: int) -> None:
    assert count_partitions(rows, rows_per_partition=10) == partitions
