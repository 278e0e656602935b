"""Builds what is deployed from source: Lambda zips, Beanstalk bundles, the steps' library. No Docker, no network beyond the package index.

Every bundle is a folder under `.cache/`, named after the hash of everything that goes into it, so an unchanged input is built once.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = ROOT / ".cache" / "bundles"
_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", ".DS_Store")
STEP_PYTHON = "3.11"
"""Of steps with packages of their own (docs/adr/0039)."""
_UNUSED = (
    "numpy/**/tests",
    "pyarrow/_flight*",
    "pyarrow/_s3fs*",
    "pyarrow/include",
    "pyarrow/libarrow_flight*",
    "pyarrow/libarrow_python_flight*",
    "pyarrow/libarrow_s3*",
    "pyarrow/src",
    "pyarrow/tests",
)
"""Of wheels, what no function loads: 60 MB of Arrow, beside which NumPy would not fit into a zip (docs/adr/0033)."""
_PLATFORMS = {"x86_64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}


def list_members(kind: str, *, entry: str) -> list[str]:
    """Return the names of the deployables below `kind` that have the file `entry`, sorted."""
    return sorted(path.parent.name for path in (ROOT / kind).glob(f"*/{entry}"))


def list_steps_with_packages() -> list[str]:
    """Return the names of the Spark steps that declare more than Spark and the library without extras, sorted."""
    names = list_members("emr_steps", entry="step.py")
    declared = {
        name: tomllib.loads((ROOT / "emr_steps" / name / "pyproject.toml").read_text())["project"]["dependencies"] for name in names
    }
    return [name for name in names if any(not each.startswith("pyspark") and each != "presage" for each in declared[name])]


def export_requirements(folder: Path, *, left_out: Iterable[str] = ()) -> str:
    """Return the locked requirements, with hashes, of the deployable in `folder`; without those that are there where it runs."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["name"]
    return _run_uv(
        "export", "--quiet", "--frozen", "--package", project, "--no-default-groups", "--no-emit-workspace", "--no-header", "--no-annotate",
        "--format", "requirements-txt", "--python", sys.executable, *(f"--no-emit-package={package}" for package in left_out),
    )  # fmt: skip


def build_function(name: str, *, architecture: str, python_version: str) -> Path:
    """Return a folder with the function `name`, the library and its dependencies for a platform of AWS Lambda."""
    folder = ROOT / "lambdas" / name
    requirements = export_requirements(folder)
    dependencies = _install(requirements, platform=_PLATFORMS[architecture], python_version=python_version, unused=_UNUSED)

    def fill(target: Path) -> None:
        shutil.copytree(dependencies, target, copy_function=os.link, dirs_exist_ok=True)
        _copy_library(target)
        _copy_package(folder, target)

    return _build("function", (dependencies.name,), (_library(), folder), fill)


def copy_sources(kind: str, name: str) -> Path:
    """Return a folder with the deployable and the library only, for syntheses that deploy nothing."""
    folder = ROOT / kind / name

    def fill(target: Path) -> None:
        _copy_library(target)
        _copy_package(folder, target)

    return _build("sources", (), (_library(), folder), fill)


def build_service(name: str) -> Path:
    """Return a folder with the service `name`, the library, `requirements.txt`, and at its root the files that Elastic Beanstalk reads."""
    folder = ROOT / "services" / name
    if (folder / "pages" / "assets").exists() and not (folder / "pages" / "static").exists():
        raise FileNotFoundError(f"the assets of {name}'s pages are not built; make setup builds them")
    requirements = export_requirements(folder)
    procfile = f'web: gunicorn -c python:services.{name}.gunicorn_conf --bind 127.0.0.1:8000 "services.{name}.app:create()"\n'

    def fill(target: Path) -> None:
        _copy_library(target)
        _copy_package(folder, target)
        (target / "requirements.txt").write_text(requirements)
        (target / "Procfile").write_text(procfile)
        if (folder / "cron.yaml").exists():
            shutil.copy2(folder / "cron.yaml", target / "cron.yaml")
        if (folder / "platform").exists():
            shutil.copytree(folder / "platform", target / ".platform")

    return _build("service", (requirements, procfile), (_library(), folder), fill)


def build_step_library() -> Path:
    """Return a folder with the library and the steps' own packages, which becomes the zip that Spark gets by `--py-files`."""
    steps = ROOT / "emr_steps"

    def fill(target: Path) -> None:
        _copy_library(target)
        shutil.copytree(steps, target / "emr_steps", ignore=_IGNORED)

    return _build("steps", (), (_library(), steps), fill)


def build_step_packages(name: str, *, architecture: str) -> Path:
    """Return a folder with what the step `name` needs beside Spark and the library, which Spark unpacks from an archive."""
    left_out = ("pyspark", "py4j")
    requirements = export_requirements(ROOT / "emr_steps" / name, left_out=left_out)
    return _install(requirements, platform=_PLATFORMS[architecture.lower()], python_version=STEP_PYTHON)


def _library() -> Path:
    return ROOT / "src" / "presage"


def _copy_library(target: Path) -> None:
    shutil.copytree(_library(), target / "presage", ignore=_IGNORED)


def _copy_package(folder: Path, target: Path) -> None:
    parent = target / folder.parent.name
    parent.mkdir()
    shutil.copy2(folder.parent / "__init__.py", parent / "__init__.py")
    shutil.copytree(folder, parent / folder.name, ignore=_IGNORED)


def _install(requirements: str, *, platform: str, python_version: str, unused: tuple[str, ...] = ()) -> Path:
    """Return a folder with the wheels of a platform, installed, without what is `unused`."""

    def fill(target: Path) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(requirements)
            file.flush()
            _run_uv(
                "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--link-mode", "copy", "--target", str(target),
                "--python", sys.executable, "--python-platform", platform, "--python-version", python_version, "--requirements", file.name,
            )  # fmt: skip
        for pattern in ("bin", *unused):
            for path in list(target.glob(pattern)):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        (target / ".lock").unlink(missing_ok=True)

    return _build("dependencies", (requirements, platform, python_version, *unused), (), fill)


def _build(kind: str, texts: Iterable[str], folders: Iterable[Path], fill: Callable[[Path], None]) -> Path:
    """Return `.cache/bundles/<kind>-<hash>`, filled once; a build that is interrupted leaves nothing under that name."""
    place = CACHE / f"{kind}-{_hash_inputs(texts, folders)}"
    if place.exists():
        return place
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # syntheses side by side need the same bundles
        if not place.exists():
            _fill(place, kind, fill)
    return place


def _fill(place: Path, kind: str, fill: Callable[[Path], None]) -> None:
    draft = Path(tempfile.mkdtemp(prefix=f".{kind}-", dir=CACHE))
    try:
        fill(draft)
        draft.chmod(0o755)
        draft.rename(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _hash_inputs(texts: Iterable[str], folders: Iterable[Path]) -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for text in texts:
        digest.update(text.encode() + b"\0")
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix != ".pyc" and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(folder)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:32]


def _run_uv(*arguments: str) -> str:
    """Return what uv prints.

    Raises:
        FileNotFoundError: uv is neither on the path nor where `make setup` puts it.
        RuntimeError: uv failed; the message holds its words.
    """
    own = ROOT / ".cache" / "uv-venv" / "bin" / "uv"
    program = shutil.which("uv") or (str(own) if own.exists() else None)
    if program is None:
        raise FileNotFoundError(f"uv is neither on the path nor at {own}; it builds the deployed bundles from the lock file")
    done = subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments, no shell
    if done.returncode != 0:
        raise RuntimeError(f"uv {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout
