"""The exchange between workers: a task leaves one file of Arrow streams in the lake, and who joins a partition reads its streams of all.

Spark's shuffle would take every byte through the JVM twice (docs/adr/0035).
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Sequence, Tuple
from uuid import uuid4

import pyarrow as pa

from presage.spark.columnar.job import Section
from presage.spark.columnar.tables import open_file

Placed = Tuple[Sequence[int], int, Any]
"""(the partitions it is for, number of the source or `ROWS`, Arrow table)."""


def write_sections(folder: str, placed: Iterable[Placed]) -> List[Section]:
    """Write the tables as a new file in the folder (a URI with a final slash) and return where each lies, once per partition.

    Idempotency: a task that is repeated writes a file of its own, and only the sections of the run that succeeded are told.
    """
    uri = f"{folder}{uuid4().hex}.arrow"
    files, path = open_file(uri)
    sections = []
    with files.open_output_stream(path) as sink:
        for partitions, number, table in placed:
            start = sink.tell()
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)
            sections += [Section(partition, number, uri, start, sink.tell() - start) for partition in partitions]
    return sections


def read_sections(sections: Iterable[Section]) -> Dict[int, Any]:
    """Return the tables of the sections, those of a source as one."""
    tables: Dict[int, List[Any]] = {}
    for section in sections:
        files, path = open_file(section.uri)
        with files.open_input_file(path) as source:
            source.seek(section.start)
            tables.setdefault(section.number, []).append(pa.ipc.open_stream(source.read_buffer(section.length)).read_all())
    return {number: pa.concat_tables(some).combine_chunks() for number, some in tables.items()}
