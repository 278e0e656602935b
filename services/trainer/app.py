"""The trainer's command line: `python -m services.trainer.app fit|pack …`.

Exit codes: 0 done; 2 the data cannot be used as it is (`failure.json` below the artifact prefix says why); 75 try again later;
143 asked to stop. What was written before is whole: manifests come last.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from presage.errors import PresageError, UnavailableError
from presage.runtime.observability import configure_logging, with_fields
from presage.runtime.settings import load_settings
from presage.training.ports import TrainingFiles
from services.trainer.bootstrap import build_files
from services.trainer.fit import FitRequest, fit_version
from services.trainer.pack import PackRequest, pack
from services.trainer.settings import Settings

REFUSED, UNAVAILABLE, STOPPED = 2, 75, 143
_LOG = logging.getLogger("presage.trainer")


def run(arguments: Sequence[str], files: TrainingFiles) -> int:
    """Run one command and return the exit code."""
    options = _parse(arguments)
    try:
        if options.command == "fit":
            fit_version(FitRequest(options.training_set, options.artifact, options.model_id, options.version, options.champion), files)
        else:
            pack(PackRequest(options.training_set, options.snapshot, options.model_id, options.snapshot_id), files, now=datetime.now(UTC))
    except UnavailableError:
        _LOG.exception("a dependency did not answer")
        return UNAVAILABLE
    except PresageError as error:
        _LOG.exception("refused")
        failure = {"code": error.code, "message": str(error), "training_set": options.training_set}
        files.put_artifact(f"{options.artifact}failure.json", msgspec.json.encode(failure))
        return REFUSED
    _LOG.info("done", extra=with_fields({"command": options.command}))
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="trainer", description="Fits a model version, or packs its snapshot.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("fit", "pack"):
        command = commands.add_parser(name)
        command.add_argument("--training-set", required=True, help="prefix of the lake")
        command.add_argument("--artifact", required=True, help="prefix of the artifacts bucket")
        command.add_argument("--model-id", required=True)
        if name == "fit":
            command.add_argument("--version", required=True, type=int)
            command.add_argument("--champion", help="prefix of the artifacts bucket: the version to beat")
        else:
            command.add_argument("--snapshot", required=True, help="prefix of the lake")
            command.add_argument("--snapshot-id", required=True)
    return parser.parse_args(arguments)


def _stop(_number: int, _frame: object) -> None:
    raise SystemExit(STOPPED)


def main() -> None:
    """Read the settings, run the command, exit."""
    settings = load_settings(Settings, os.environ)  # noqa: TID251 - the edge
    configure_logging(service="trainer", stage=settings.stage)
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(run(sys.argv[1:], build_files(settings)))


if __name__ == "__main__":
    main()
