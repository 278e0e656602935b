"""Starts the emulator with what it lacks. Runs under the emulator's own interpreter and environment.

The project's root is importable only while its modules load: functions inherit the environment, and must not find the library there.
"""

import json
import os
import shutil
import signal
import sys
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any


def main() -> None:
    """Register provisioners, close the gaps of gateway and rotation, and serve until a signal ends it; SIGUSR1 saves its state."""
    empty_folder(Path(os.environ["TMPDIR"]))
    from ministack import app  # noqa: PLC0415 - only in the emulator's environment
    from ministack.core import persistence  # noqa: PLC0415 - same
    from ministack.services import apigateway_v1, ecs, rds, secretsmanager  # noqa: PLC0415 - same
    from ministack.services.cloudformation import provisioners as registry  # noqa: PLC0415 - same

    root = str(Path(__file__).resolve().parent.parent)
    sys.path.insert(0, root)
    from localstack import calls, gateway_gaps, gateway_usage, provisioners, rotation  # noqa: PLC0415 - same

    sys.path.remove(root)
    invoke = partial(rotation.invoke_function, int(os.environ["GATEWAY_PORT"]))
    rotations = rotation.Rotation(secretsmanager, invoke, save=partial(os.kill, os.getpid(), signal.SIGUSR1))
    secretsmanager._rotate_secret = rotations.rotate  # noqa: SLF001 - it offers no hook
    gateway_gaps.apply(apigateway_v1, balancers_port=int(os.environ["GATEWAY_PORT"]))
    gateway_usage.apply(apigateway_v1)
    complete_tasks(ecs)
    convert = registry._normalize_container_defs  # noqa: SLF001 - it offers no hook
    registry._normalize_container_defs = lambda declared: provisioners.complete_containers(  # noqa: SLF001 - same
        convert(declared), declared, region=os.environ["AWS_DEFAULT_REGION"]
    )
    log = calls.open_log()
    if log is not None:
        app.app = calls.note_asgi(app.app, log)
    facts = os.environ.get("LOCALSTACK_PROVISIONING_FILE")
    if facts is not None:
        surroundings = provisioners.Surroundings.read(Path(facts))
        provisioners.Provisioners(surroundings).register(registry._RESOURCE_HANDLERS, rds._instances, rotations)  # noqa: SLF001 - same

    def save(_number: int, _frame: FrameType | None) -> None:
        persistence.save_all(app._build_persistence_save_dict())  # noqa: SLF001 - same

    signal.signal(signal.SIGUSR1, save)
    try:
        app.main()
    finally:
        shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)


def empty_folder(folder: Path) -> None:
    """Leave the folder there and empty. The emulator unpacks each function for each of its processes, and leaves that when it is killed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def complete_tasks(ecs: Any) -> None:  # noqa: ANN401 - a module of the emulator
    """Give each container the variables of the machine that it finds itself on, beside those of its task definition."""
    machine = json.loads(os.environ.get("LOCALSTACK_TASK_ENVIRONMENT", "{}"))
    build = ecs._build_run_kwargs  # noqa: SLF001 - it offers no hook
    ecs._build_run_kwargs = lambda container, definition, environment, *others: build(  # noqa: SLF001 - same
        container, definition, {**environment, **machine}, *others
    )


if __name__ == "__main__":
    main()
