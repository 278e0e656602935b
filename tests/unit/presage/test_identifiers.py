from uuid import UUID

from presage.identifiers import derive_uuids


def test_derived_ids_count_up_and_keep_all_but_the_tail() -> None:
    first = "0197f6a0-1234-7000-8000-0000000000ff"
    assert derive_uuids(first, 3) == [first, "0197f6a0-1234-7000-8000-000000000100", "0197f6a0-1234-7000-8000-000000000101"]
    assert derive_uuids(first, 1) == [first]


def test_behind_the_last_tail_comes_the_first_one() -> None:
    ids = derive_uuids("0197f6a0-1234-7000-8000-ffffffffffff", 2)
    assert ids[1] == "0197f6a0-1234-7000-8000-000000000000"
    assert all(UUID(one).version == 7 for one in ids)
