"""The bundles that the stacks upload run by themselves: unpacked, with what their requirements name and nothing else."""

import io
import subprocess
import zipfile
from pathlib import Path

import pytest

from localstack.beanstalk import read_processes, unpack
from localstack.places import Places
from localstack.sqs_daemon import read_cron
from stacks.constructs.bundles import build_service

pytestmark = pytest.mark.integration

SHOW = "import importlib.util, presage; print(presage.__path__[0]); print(importlib.util.find_spec('services.{0}').origin)"


def zip_folder(folder: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return content.getvalue()


@pytest.mark.parametrize("service", ["backend", "worker"])
def test_a_bundle_runs_from_its_own_folder_with_its_own_requirements(service: str, tmp_path: Path) -> None:
    content = zip_folder(build_service(service))

    bundle = unpack(content, Places(state=tmp_path))

    command = read_processes((bundle.folder / "Procfile").read_text())["web"]
    assert (bundle.python.parent / command[0]).exists()
    done = subprocess.run(
        [str(bundle.python), "-c", SHOW.format(service)],
        cwd=bundle.folder,
        env={"PYTHONPATH": str(bundle.folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [str(bundle.folder / "presage"), str(bundle.folder / "services" / service / "__init__.py")]
    assert unpack(content, Places(state=tmp_path)) == bundle


def test_the_worker_carries_its_periodic_tasks_and_the_backend_none(tmp_path: Path) -> None:
    worker = unpack(zip_folder(build_service("worker")), Places(state=tmp_path))

    assert worker.cron is not None
    names = [task.name for task in read_cron(worker.cron)]
    assert names == [
        "relay-outbox",
        "notify-outside",
        "analyse-experiments",
        "sweep-accounts",
        "check-drift",
        "refresh-snapshots",
        "retrain-models",
    ]
    assert unpack(zip_folder(build_service("backend")), Places(state=tmp_path)).cron is None
