"""Small files beside the data, through Hadoop's file systems: the same `s3://` on EMR and on one machine."""

from __future__ import annotations

from typing import Any, List

from pyspark.sql import SparkSession


def _open_path(session: SparkSession, uri: str) -> tuple[Any, Any]:
    """Return Hadoop's (file system, path) of a URI."""
    java: Any = session.sparkContext._jvm  # noqa: SLF001 - Spark has no public way to Hadoop's file systems
    path = java.org.apache.hadoop.fs.Path(uri)
    configuration: Any = session.sparkContext._jsc.hadoopConfiguration()  # noqa: SLF001 - same
    return path.getFileSystem(configuration), path


def read_bytes(session: SparkSession, uri: str) -> bytes:
    """Return the content of a small file."""
    files, path = _open_path(session, uri)
    java: Any = session.sparkContext._jvm  # noqa: SLF001 - see above
    stream = files.open(path)
    try:
        return bytes(java.org.apache.commons.io.IOUtils.toByteArray(stream))
    finally:
        stream.close()


def write_bytes(session: SparkSession, uri: str, body: bytes) -> None:
    """Write a small file, replacing what is there."""
    files, path = _open_path(session, uri)
    stream = files.create(path, True)
    try:
        stream.write(bytearray(body))
    finally:
        stream.close()


def exists(session: SparkSession, uri: str) -> bool:
    """Return whether there is a file or a folder."""
    files, path = _open_path(session, uri)
    return bool(files.exists(path))


def list_files(session: SparkSession, uri: str) -> List[str]:
    """Return the names of the files directly in a folder, sorted; hidden ones left out."""
    files, path = _open_path(session, uri)
    names = [str(status.getPath().getName()) for status in files.listStatus(path)]
    return sorted(name for name in names if not name.startswith(("_", ".")))


def resolve_uri(session: SparkSession, uri: str) -> str:
    """Return the URI of where something that exists really lies, since `s3://` may be a mounted folder."""
    files, path = _open_path(session, uri)
    return str(files.resolvePath(path).toString())


def make_folder(session: SparkSession, uri: str) -> None:
    """Make a folder and those above it, where the file system has folders."""
    files, path = _open_path(session, uri)
    files.mkdirs(path)


def delete_folder(session: SparkSession, uri: str) -> None:
    """Delete a folder with all that is in it; one that is gone stays gone."""
    files, path = _open_path(session, uri)
    files.delete(path, True)
