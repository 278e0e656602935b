"""The columnar join of rows with their views: Spark schedules and repeats; Arrow and numpy in its workers do the rest.

Parts and rows are read by the workers, divided by a hash of the join key, exchanged as files of Arrow streams and joined bucket by
bucket; the workers write the training set's files. Only the driver's part is here, so that it runs where numpy and pyarrow are not
(docs/adr/0035).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Sequence, Tuple
from uuid import uuid4

from pyspark import SparkFiles
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812 - Spark's own idiom

from presage.spark.columnar.job import ROWS, Heavy, Hop, Section, Slice, Source, Target
from presage.spark.files import delete_folder, list_files, make_folder, resolve_uri
from presage.training.findings import Findings, merge_findings
from presage.training.recipe import Recipe
from presage.training.spec import FeatureView, feature_columns

PACKAGES = "environment"
"""Where Spark unpacks the archive with numpy and pyarrow, if it was given one (docs/adr/0039)."""

Task = Tuple[int, Slice]
Partition = Tuple[int, List[Section]]


@dataclass(frozen=True)
class Sizes:
    """How work is divided. A bucket holds about so many records and rows; a key with more rows than `heavy` is divided among several."""

    bucket: int = 1_000_000
    slice: int = 500_000
    heavy: int = 1_000_000
    hashes: int = 4_000_000


SIZES = Sizes()


@dataclass(frozen=True)
class Place:
    """The lake's URI and that of the folder to write into (both with a final slash), and the columns to write.

    `columns` maps names to those of the rows and the views (`<view>__<feature>`); `observed_at` is made from `at_us`. `judged` asks for
    statistics, and for what naive joins get wrong.
    """

    root: str
    output: str
    columns: Dict[str, str]
    judged: bool = True


@dataclass(frozen=True)
class Rows:
    """Rows in parquet files below `uri`: (entity_id, at_us), `item` where there are any, and what else the training set shall have."""

    uri: str
    count: int
    columns: Tuple[str, ...]


@dataclass(frozen=True)
class Written:
    """What was written: (name, rows) of each file in order, and what was found. `usable` counts each dataset's usable records."""

    files: Tuple[Tuple[str, int], ...]
    usable: Dict[str, int]
    found: Findings


def join_views(
    session: SparkSession, rows: Rows, recipe: Recipe, *, views: Sequence[FeatureView], place: Place, sizes: Sizes = SIZES
) -> Written:
    """Join the rows with the views and write them as the training set's files. The rows' folder holds the exchange meanwhile.

    Idempotency: the same rows and parts give the same files, byte by byte, however often a task was repeated.
    """
    make_folder(session, place.output)
    exchange = f"{rows.uri}/_exchange-{uuid4().hex}/"  # a name that readers of the rows pass over
    make_folder(session, exchange)
    try:
        hops = _plan_hops(session, rows, recipe, views, place=place, sizes=sizes)
        folder = resolve_uri(session, exchange).rstrip("/") + "/"
        asked = [(ROWS, piece) for piece in _slice_rows(session, rows)]
        passed: List[Section] = []
        found: List[Findings] = []
        for hop in hops[:-1]:
            partitions, joiner = _exchange(session, _Split(hop, rows.columns, folder), asked, passed)
            done = _run(session, partitions, _PassOn(joiner, hops[-1], folder))
            asked, passed = [], [section for sections, _ in done for section in sections]
            found += [part for _, part in done]
        partitions, joiner = _exchange(session, _Split(hops[-1], rows.columns, folder), asked, passed)
        features = feature_columns(recipe.spec) if place.judged else ()
        written = _run(
            session, partitions, _Write(joiner, Target(resolve_uri(session, place.output), place.columns, features, recipe.spec))
        )
    finally:
        delete_folder(session, exchange)
    merged = merge_findings([*found, *(part for _, _, part in written)])
    usable = {source.split("/", 1)[1]: count for source, count in merged.usable.items()}
    return Written(tuple((name, count) for name, count, _ in written if count), usable, merged)


def _plan_hops(session: SparkSession, rows: Rows, recipe: Recipe, views: Sequence[FeatureView], *, place: Place, sizes: Sizes) -> List[Hop]:
    """Return the exchange by item, if any view needs it, and the one by entity, which decides in which file a row is written."""
    joins = [join for join in ("item", "entity") if join == "entity" or any(view.join == join for view in views)]
    hops = []
    for join in joins:
        mine = [view for view in views if view.join == join]
        sources = tuple(
            Source(dataset, key, recipe.datasets[dataset].columns, _slice_parts(session, recipe, dataset, root=place.root, sizes=sizes),
                   tuple(view for view in mine if (view.dataset, view.key_column) == (dataset, key)))
            for dataset, key in sorted({(view.dataset, view.key_column) for view in mine})
        )  # fmt: skip
        records = sum(part.rows for source in sources for part in recipe.datasets[source.dataset].parts)
        buckets = max(1, -(-(records + rows.count) // sizes.bucket))
        key = "entity_id" if join == "entity" else "item"
        heavy = _find_heavy(session, rows, key, first=buckets, limit=sizes.heavy)
        hashes = max(1, -(-records // sizes.hashes))
        hops.append(
            Hop(key, sources, recipe.cutoff_us, buckets, hashes, distinct=recipe.spec.candidates is None, judged=place.judged, heavy=heavy)
        )
    return hops


def _slice_parts(session: SparkSession, recipe: Recipe, dataset: str, *, root: str, sizes: Sizes) -> Tuple[Slice, ...]:
    slices: List[Slice] = []
    for part in recipe.datasets[dataset].parts:
        shares = max(1, -(-part.rows // sizes.slice))
        uri = resolve_uri(session, root + part.key)
        slices += [Slice(uri, share, shares, part.rows) for share in range(shares)]
    return tuple(slices)


def _slice_rows(session: SparkSession, rows: Rows) -> List[Slice]:
    names = list_files(session, rows.uri)
    shares = max(1, -(-session.sparkContext.defaultParallelism // max(1, len(names))))
    return [Slice(resolve_uri(session, f"{rows.uri}/{name}"), share, shares) for name in names for share in range(shares)]


def _find_heavy(session: SparkSession, rows: Rows, key: str, *, first: int, limit: int) -> Tuple[Heavy, ...]:
    """Return the keys with more rows than the limit, which no key has if all rows are not more."""
    if rows.count <= limit:
        return ()
    counted = session.read.parquet(rows.uri).groupBy(key).count().where(F.col("count") > limit).orderBy(key).collect()
    heavy = []
    for row in counted:
        heavy.append(Heavy(row[key], first, -(-row["count"] // limit)))
        first += heavy[-1].salts
    return tuple(heavy)


def _exchange(session: SparkSession, split: _Split, asked: Sequence[Task], passed: Sequence[Section]) -> Tuple[List[Partition], _Joiner]:
    """Divide the hop's sources and the rows, those in files or those passed on, and return what is to be joined, by partition."""
    hop = split.hop
    by_partition: Dict[int, List[Section]] = {}
    for section in [*passed, *_run(session, [*asked, *_list_tasks(hop)], split)]:
        by_partition.setdefault(section.partition, []).append(section)
    hashed = [(index, by_partition[index]) for index in sorted(by_partition) if index >= hop.partitions]
    joiner = _Joiner(hop, _find_moved(session, hop, hashed))
    return [(index, by_partition.get(index, [])) for index in range(hop.partitions)], joiner


def _run(session: SparkSession, items: Sequence[Any], task: Callable[[Any], Iterable[Any]]) -> List[Any]:
    """Return what the task yields for the items, in their order, each run by itself."""
    return session.sparkContext.parallelize(items, len(items)).flatMap(task).collect() if items else []


def _list_tasks(hop: Hop) -> List[Task]:
    return [(number, piece) for number, source in enumerate(hop.sources) for piece in source.parts]


def _find_moved(session: SparkSession, hop: Hop, hashed: Sequence[Partition]) -> Dict[int, Dict[str, int]]:
    """Return, for record ids whose copies lie in several buckets, in which one the first copy does, by source."""
    hashes: Dict[int, List[int]] = {}
    for number, found in _run(session, hashed, _find_hashes):
        hashes.setdefault(number, []).append(found)
    if not hashes:
        return {}
    tasks = _list_tasks(hop)
    copies = session.sparkContext.parallelize(tasks, len(tasks)).flatMap(_List(hop, hashes))
    return dict(copies.coalesce(1).mapPartitions(_Choose(hop)).collect())


def _load(module: str) -> Any:  # noqa: ANN401 - the module
    """Return a module of what workers do, after putting the archive's numpy and pyarrow, if there is one, before what is installed."""
    for folder in (Path(SparkFiles.getRootDirectory(), PACKAGES), Path(PACKAGES)):
        if folder.is_dir() and str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    return import_module(f"presage.spark.columnar.{module}")  # numpy and pyarrow are in the workers only


@dataclass(frozen=True)
class _Split:
    hop: Hop
    columns: Tuple[str, ...]
    folder: str

    def __call__(self, task: Task) -> List[Section]:
        tasks, (number, piece) = _load("tasks"), task
        placed = tasks.split_rows(piece, self.columns, self.hop) if number == ROWS else tasks.split_part(number, piece, self.hop)
        return list(_load("exchange").write_sections(self.folder, placed))


@dataclass(frozen=True)
class _List:
    hop: Hop
    hashes: Dict[int, List[int]]

    def __call__(self, task: Task) -> Iterator[Tuple[int, int, bytes]]:
        yield from _load("tasks").list_copies(*task, hop=self.hop, moved=self.hashes)


@dataclass(frozen=True)
class _Choose:
    hop: Hop

    def __call__(self, copies: Iterable[Tuple[int, int, bytes]]) -> Iterator[Tuple[int, Dict[str, int]]]:
        yield from _load("tasks").choose_buckets(list(copies), self.hop).items()


def _find_hashes(partition: Partition) -> Iterator[Tuple[int, int]]:
    yield from _load("tasks").find_moved(partition[1])


@dataclass(frozen=True)
class _Joiner:
    hop: Hop
    moved: Dict[int, Dict[str, int]]

    def join(self, partition: Partition) -> Any:  # noqa: ANN401 - `tasks.Bucket`
        return _load("tasks").join_bucket(*partition, hop=self.hop, moved=self.moved)


@dataclass(frozen=True)
class _PassOn:
    joiner: _Joiner
    following: Hop
    folder: str

    def __call__(self, partition: Partition) -> Iterator[Tuple[List[Section], Findings]]:
        bucket = self.joiner.join(partition)
        placed = () if bucket.rows is None else _load("tasks").place_rows(bucket.rows, self.following)
        yield _load("exchange").write_sections(self.folder, placed), bucket.found


@dataclass(frozen=True)
class _Write:
    joiner: _Joiner
    target: Target

    def __call__(self, partition: Partition) -> Iterator[Tuple[str, int, Findings]]:
        yield _load("tasks").write_bucket(self.joiner.join(partition), partition[0], self.target)
