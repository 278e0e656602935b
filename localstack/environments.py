"""Python environments of programs that must not share the project's own."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from localstack.places import Places
from localstack.program import StartError


def ensure_environment(folder: Path, *, places: Places, python: str, requirements: Sequence[str], options: Sequence[str] = ()) -> Path:
    """Return the interpreter of the environment in `folder`, made first if it is missing or of other requirements.

    `options` go to `uv pip install`. Idempotency: an environment of the same arguments is left as it is.

    Raises:
        StartError: uv is missing or could not install.
    """
    interpreter = folder / "bin" / "python"
    stamp = folder / "presage-requirements.json"
    wanted = json.dumps([*requirements, *options])
    if stamp.exists() and stamp.read_text() == wanted:
        return interpreter
    uv = shutil.which("uv") or shutil.which("uv", path=str(places.cache / "uv-venv" / "bin"))
    if uv is None:
        raise StartError("uv is not installed; run `make setup`")
    folder.parent.mkdir(parents=True, exist_ok=True)
    for command in (
        [uv, "venv", "-q", "--clear", "--python", python, str(folder)],
        [uv, "pip", "install", "-q", "--python", str(interpreter), *options, *requirements],
    ):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise StartError(f"{' '.join(command[:3])} failed: {result.stderr.strip()}")
    stamp.write_text(wanted)
    return interpreter
