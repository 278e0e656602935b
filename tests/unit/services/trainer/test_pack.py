import io
import json
from datetime import UTC, datetime
from pathlib import Path

import lmdb
import msgspec
import numpy as np
import polars as pl
import pytest

from presage.adapters.memory.training_files import MemoryTrainingFiles
from presage.errors import CorruptArtifactError
from presage.training.artifact import CANDIDATES_KEY, SnapshotManifest, build_snapshot_key
from presage.training.recipe import compute_training_set_id, encode_recipe
from services.trainer.pack import PackRequest, pack
from tests.fixtures.training import AS_OF, SNAPSHOT, TRAINING_SET, build_ranking_recipe

NOW = datetime(2025, 2, 1, tzinfo=UTC)
REQUEST = PackRequest(TRAINING_SET, SNAPSHOT, "mdl_1", "s1")


def put_parquet(files: MemoryTrainingFiles, key: str, frame: pl.DataFrame) -> None:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    files.put_lake(key, buffer.getvalue())


@pytest.fixture
def files() -> MemoryTrainingFiles:
    files, recipe = MemoryTrainingFiles(), build_ranking_recipe()
    files.put_lake(f"{TRAINING_SET}recipe.json", encode_recipe(recipe))
    people = pl.DataFrame({"join_key": ["p1", "é" * 300], "orders": [3.0, 0.0], "last": [1.7e9, None]})
    put_parquet(files, f"{SNAPSHOT}views/people/a.parquet", people)
    put_parquet(files, f"{SNAPSHOT}views/items/a.parquet", pl.DataFrame({"join_key": ["i1", "i2", "i3"], "sold": [9.0, 5.0, 1.0]}))
    files.put_lake(f"{SNAPSHOT}candidates/items.json", json.dumps(["i1", "i2"]).encode())
    manifest = {
        "training_set_id": compute_training_set_id(recipe),
        "as_of_us": recipe.cutoff_us,
        "files": [
            {"view": "people", "key": "views/people/a.parquet", "rows": 2},
            {"view": "items", "key": "views/items/a.parquet", "rows": 3},
        ],
    }
    files.put_lake(f"{SNAPSHOT}manifest.json", json.dumps(manifest).encode())
    return files


def test_the_packed_file_holds_every_value_under_its_key(files: MemoryTrainingFiles, tmp_path: Path) -> None:
    manifest = pack(REQUEST, files, now=NOW)

    assert manifest == msgspec.json.decode(files.lake[f"{SNAPSHOT}snapshot.json"], type=SnapshotManifest)
    assert (manifest.entities, manifest.as_of, manifest.created_at) == (2, AS_OF, NOW)
    assert manifest.file_bytes == len(files.lake[manifest.file_key]) < 100_000
    path = tmp_path / "features.lmdb"
    path.write_bytes(files.lake[manifest.file_key])
    with lmdb.open(str(path), subdir=False, readonly=True, lock=False) as environment, environment.begin() as transaction:
        found = dict(transaction.cursor())
    assert json.loads(found.pop(CANDIDATES_KEY)) == ["i1", "i2"]
    assert {key: np.frombuffer(value, "<f8").tolist()[0] for key, value in found.items()} == {
        build_snapshot_key("people", "p1"): 3.0,
        build_snapshot_key("people", "é" * 300): 0.0,
        build_snapshot_key("items", "i1"): 9.0,
        build_snapshot_key("items", "i2"): 5.0,
        build_snapshot_key("items", "i3"): 1.0,
    }
    assert np.isnan(np.frombuffer(found[build_snapshot_key("people", "é" * 300)], "<f8")[1])


def test_packing_again_writes_the_same_bytes(files: MemoryTrainingFiles) -> None:
    assert pack(REQUEST, files, now=NOW).file_sha256 == pack(REQUEST, files, now=NOW).file_sha256


def test_a_view_that_lost_rows_is_refused(files: MemoryTrainingFiles) -> None:
    put_parquet(files, f"{SNAPSHOT}views/items/a.parquet", pl.DataFrame({"join_key": ["i1"], "sold": [9.0]}))
    with pytest.raises(CorruptArtifactError, match="holds 1 rows, the manifest says 3"):
        pack(REQUEST, files, now=NOW)
    assert f"{SNAPSHOT}snapshot.json" not in files.lake
