"""What a snapshot gives for keys that it knows, does not know, and cannot have right."""

import math
from pathlib import Path

import pytest

from presage.errors import CorruptArtifactError
from presage.predictions.snapshot import Snapshot, SnapshotFile
from presage.training.artifact import SnapshotManifest
from tests.fixtures.serving import AS_OF, NOW, build_snapshot_file

MANIFEST = SnapshotManifest(1, "mdl_1", "snap_1", AS_OF, NOW, 2, "features.lmdb", "", 0)


def open_snapshot(folder: Path) -> Snapshot:
    values = {("orders", "c1"): (1.0, 2.0), ("orders", "c2"): (math.nan, math.nan), ("orders", "odd"): (1.0,)}
    path = folder / "features.lmdb"
    path.write_bytes(build_snapshot_file(values, (), folder))
    return Snapshot(SnapshotFile(str(path)), MANIFEST)


def test_values_come_in_the_order_of_the_keys_and_nulls_are_known(tmp_path: Path) -> None:
    values, known = open_snapshot(tmp_path).read_view("orders", ("c2", "stranger", "c1"), width=2)

    assert known.tolist() == [True, False, True]
    assert [[None if math.isnan(value) else value for value in row] for row in values.tolist()] == [[None, None], [None, None], [1.0, 2.0]]


def test_no_keys_are_no_rows(tmp_path: Path) -> None:
    values, known = open_snapshot(tmp_path).read_view("orders", (), width=2)

    assert (values.shape, known.shape) == ((0, 2), (0,))


@pytest.mark.parametrize("keys", [("odd",), ("c1", "odd"), ("odd", "stranger")])
def test_a_value_of_another_width_is_refused(tmp_path: Path, keys: tuple[str, ...]) -> None:
    with pytest.raises(CorruptArtifactError, match="orders"):
        open_snapshot(tmp_path).read_view("orders", keys, width=2)
