"""Brings the warehouse's tables up to date: the numbered files of `schema/`, each applied once.

`python -m presage.adapters.redshift.migrate --workgroup W --database D`
"""

from __future__ import annotations

import argparse
import sys
from importlib.resources import files

from presage.adapters.client import build_client
from presage.adapters.redshift.data_api import DataApi, Warehousing
from presage.adapters.redshift.statements import quote

CREATE_RECORD = """\
CREATE TABLE IF NOT EXISTS schema_migrations (
  name VARCHAR(256) NOT NULL PRIMARY KEY,
  applied_at TIMESTAMP NOT NULL
)"""


def migrate(data_api: DataApi) -> list[str]:
    """Apply the files that were not applied yet, in order, each in one transaction with its record; return their names.

    Idempotency: a second run applies nothing. Of two at once, one fails as a whole and can be run again.

    Raises:
        UnavailableError: A statement failed; its file has had no effect.
    """
    data_api.run_batch([CREATE_RECORD])
    applied = {row[0] for row in data_api.query("SELECT name FROM schema_migrations")}
    fresh = [name for name in list_migrations() if name not in applied]
    for name in fresh:
        note = f"INSERT INTO schema_migrations (name, applied_at) VALUES ({quote(name)}, GETDATE())"  # noqa: S608 - our own file's name
        data_api.run_batch([*read_statements(name), note])
    return fresh


def list_migrations() -> list[str]:
    """Return the names of all migrations, in order."""
    folder = files("presage.adapters.redshift") / "schema"
    return sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))


def read_statements(name: str) -> list[str]:
    """Return the statements of one migration. A statement ends with a semicolon at the end of a line."""
    text = (files("presage.adapters.redshift") / "schema" / name).read_text(encoding="utf-8")
    return [statement.strip() for statement in text.replace(";\n", "\x00").split("\x00") if statement.strip()]


def main(arguments: list[str]) -> None:
    """Migrate the warehouse that the arguments name and print what was applied."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workgroup", required=True)
    parser.add_argument("--database", required=True)
    options = parser.parse_args(arguments)
    applied = migrate(DataApi(build_client("redshift-data"), Warehousing(options.workgroup, options.database)))
    sys.stdout.write(f"warehouse migrations applied: {', '.join(applied) or 'none, up to date'}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
