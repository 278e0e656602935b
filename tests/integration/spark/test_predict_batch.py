"""The step that scores in Spark, beside `POST /v1/predict` on the same files: bit for bit."""

import json
import platform
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import polars as pl
import pyspark
import pytest
from pyspark.sql import SparkSession

from emr_steps.predict_batch.step import run
from presage.batch_predictions.order import EntitySource, build_namespace, build_prefix, choose_partition, compute_prediction_id
from presage.errors import InvalidInputError
from presage.predictions.response import PredictionResult
from presage.spark.files import write_bytes
from stacks.constructs.bundles import STEP_PYTHON, build_step_packages
from tests.fixtures.batch import BatchWorld
from tests.fixtures.bridges import ROOT, zip_library
from tests.fixtures.serving import NOW, WORKSPACE, build_world

pytestmark = [
    pytest.mark.integration,
    # py4j leaves closing its sockets to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
ROWS = 10_000


def build(folder: Path, kind: str, customers: int, **options: int) -> BatchWorld:
    (folder / "cache").mkdir()
    return BatchWorld(build_world(folder / "cache"), folder / "lake", kind, customers, **options)


def put_ids(world: BatchWorld, ids: list[str | None]) -> EntitySource:
    key = f"ws={WORKSPACE}/imports/up_1/ids.ndjson"
    world.put(key, b"".join(json.dumps({"customer": each}).encode() + b"\n" for each in ids))
    return EntitySource("ndjson", "customer", (key,), "upload ids.ndjson")


def read(world: BatchWorld, job_id: str, manifest: Mapping[str, object]) -> pl.DataFrame:
    """Return the rows, after checking that the files are what the manifest says they are."""
    prefix = world.lake / build_prefix(WORKSPACE, job_id)
    frames = []
    for file in manifest["files"]:  # type: ignore[attr-defined]
        body = (prefix / file["key"]).read_bytes()
        assert (len(body), sha256(body).hexdigest()) == (file["bytes"], file["sha256"])
        frame = pl.read_parquet(prefix / file["key"])
        assert len(frame) == file["rows"]
        partitions = {choose_partition(each, manifest["partitions"]) for each in frame["prediction_id"]}  # type: ignore[arg-type]
        assert partitions <= {file["partition"]}
        frames.append(frame)
    return pl.concat(frames)


def to_bytes(score: object) -> bytes:
    scores = score if isinstance(score, list | tuple) else [score]
    return struct.pack(f"<{len(scores)}d", *scores)


@pytest.mark.parametrize(("kind", "depth"), [("classification", 3), ("classification", 6), ("ranking", 3)])
@pytest.mark.parametrize("past", [timedelta(0), timedelta(days=3, microseconds=7)])
def test_a_batch_is_bit_for_bit_what_the_public_api_answers(
    spark: SparkSession, tmp_path: Path, kind: str, depth: int, past: timedelta
) -> None:
    world = build(tmp_path, kind, ROWS, depth=depth)
    source = put_ids(world, [*world.entity_ids, "nobody", *world.entity_ids[:10]])
    as_of, asked = NOW - past, [*world.entity_ids, "nobody"]
    uris = world.order(source, job_id="job_1", as_of=as_of, rows_per_partition=4_000)

    manifest = run(spark, *uris)

    assert (manifest["entities"], manifest["rows"], manifest["refused"], manifest["partitions"]) == (ROWS + 1, ROWS + 1, 0, 3)
    batch = {row["entity_id"]: row for row in read(world, "job_1", manifest).iter_rows(named=True)}
    online = world.ask(asked, as_of=as_of, now=NOW if past else None)
    assert len(batch) == len(asked)
    assert sum(result.entity_found is True for result in online) > ROWS / 2
    assert len({to_bytes(result.score) for result in online}) > 1_000
    for entity_id, result in zip(asked, online, strict=True):
        compare(batch[entity_id], entity_id, result)


def compare(row: Mapping[str, object], entity_id: str, result: PredictionResult) -> None:
    predicted = row["prediction"] if isinstance(row["prediction"], str) else tuple(row["prediction"])  # type: ignore[arg-type]
    assert predicted == result.prediction
    assert to_bytes(row["score"]) == to_bytes(result.score)
    assert row["entity_found"] == result.entity_found
    assert row["prediction_id"] == compute_prediction_id(build_namespace("job_1"), entity_id)


def test_a_run_goes_on_where_one_that_was_killed_had_come_to(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = build(tmp_path, "classification", 900)
    uris = world.order(put_ids(world, list(world.entity_ids)), job_id="job_1", as_of=NOW, rows_per_partition=300)
    prefix = world.lake / build_prefix(WORKSPACE, "job_1")

    with monkeypatch.context() as patch:
        patch.setattr("emr_steps.predict_batch.step.write_bytes", die_at("done/00001.json"))
        with pytest.raises(KilledError):
            run(spark, *uris)
    first = {path.name: path.stat().st_mtime_ns for path in (prefix / "data" / "00000").glob("*.parquet")}
    assert not (prefix / "manifest.json").exists()
    assert sorted(path.name for path in (prefix / "done").glob("*.json")) == ["00000.json"]
    manifest = run(spark, *uris)

    assert {path.name: path.stat().st_mtime_ns for path in (prefix / "data" / "00000").glob("*.parquet")} == first
    rows = read(world, "job_1", manifest)
    assert (manifest["partitions"], sorted(rows["entity_id"])) == (3, sorted(world.entity_ids))
    assert {row["prediction_id"] for row in rows.iter_rows(named=True)} == {
        compute_prediction_id(build_namespace("job_1"), each) for each in world.entity_ids
    }


class KilledError(BaseException):
    """The process is gone."""


def die_at(name: str) -> Callable[[SparkSession, str, bytes], None]:
    def write(session: SparkSession, uri: str, body: bytes) -> None:
        if uri.endswith(name):
            raise KilledError
        write_bytes(session, uri, body)

    return write


def test_ids_that_the_public_api_would_not_take_are_left_out_and_counted(spark: SparkSession, tmp_path: Path) -> None:
    world = build(tmp_path, "classification", 3)
    source = put_ids(world, ["c1", None, "", "x" * 257, "a\x00b", "é" * 256])
    manifest = run(spark, *world.order(source, job_id="job_1", as_of=NOW, rows_per_partition=100))
    assert (manifest["entities"], manifest["refused"]) == (2, 4)
    assert sorted(read(world, "job_1", manifest)["entity_id"]) == ["c1", "é" * 256]


def test_an_empty_file_gives_an_empty_result(spark: SparkSession, tmp_path: Path) -> None:
    world = build(tmp_path, "classification", 3)
    key = f"ws={WORKSPACE}/imports/up_1/ids.csv"
    world.put(key, b"customer,extra\n")
    source = EntitySource("csv", "customer", (key,), "upload ids.csv")
    manifest = run(spark, *world.order(source, job_id="job_1", as_of=NOW, rows_per_partition=100))
    assert (manifest["entities"], manifest["rows"], manifest["partitions"]) == (0, 0, 1)


def test_a_file_without_the_column_is_refused_by_name(spark: SparkSession, tmp_path: Path) -> None:
    world = build(tmp_path, "classification", 3)
    source = put_ids(world, ["c1"])
    source = EntitySource(source.format, "client", source.keys, source.described)
    with pytest.raises(InvalidInputError, match="no column 'client', only customer"):
        run(spark, *world.order(source, job_id="job_1", as_of=NOW, rows_per_partition=100))


@pytest.mark.skipif(
    f"{sys.version_info.major}.{sys.version_info.minor}" != STEP_PYTHON, reason=f"needs Python {STEP_PYTHON}, as the archive does"
)
def test_the_archive_holds_all_that_a_bare_interpreter_lacks(tmp_path: Path) -> None:
    world = build(tmp_path, "classification", 40)
    uris = world.order(put_ids(world, list(world.entity_ids)), job_id="job_1", as_of=NOW, rows_per_partition=100)
    packages = build_step_packages("predict_batch", architecture={"aarch64": "ARM64"}.get(platform.machine(), "X86_64"))
    archive = shutil.make_archive(str(tmp_path / "packages"), "zip", packages)
    (tmp_path / "library.zip").write_bytes(zip_library())
    python = build_bare_interpreter(tmp_path)
    command = [
        str(tmp_path / "only" / "pyspark" / "bin" / "spark-submit"), "--master", "local[1]", "--conf", "spark.ui.enabled=false",
        "--py-files", str(tmp_path / "library.zip"), "--archives", f"{archive}#environment",
        str(ROOT / "emr_steps" / "predict_batch" / "step.py"), "--recipe", uris[0], "--output", uris[1],
    ]  # fmt: skip
    paths = {"PATH": f"{Path(python).parent}:/usr/bin:/bin", "PYTHONPATH": str(tmp_path / "only"), "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(command, env={**paths, "PYSPARK_PYTHON": python}, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    manifest = json.loads((world.lake / build_prefix(WORKSPACE, "job_1") / "manifest.json").read_text())
    online = dict(zip(world.entity_ids, world.ask(world.entity_ids, as_of=NOW), strict=True))
    rows = list(read(world, "job_1", manifest).iter_rows(named=True))
    assert len(rows) == len(online)
    for row in rows:
        compare(row, row["entity_id"], online[row["entity_id"]])


def build_bare_interpreter(folder: Path) -> str:
    """Return an interpreter without packages, and leave PySpark alone in `only`."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "bare")], check=True)
    (folder / "only").mkdir()
    for package in ("pyspark", "py4j"):
        (folder / "only" / package).symlink_to(Path(pyspark.__file__).parents[1] / package)
    python = str(folder / "bare" / "bin" / "python")
    probe = subprocess.run([python, "-c", "import numpy"], capture_output=True, check=False)
    assert probe.returncode != 0
    return python
