"""Becomes the program that a file describes: `exec_program.py SPEC`. The standard library is all it needs.

The environment comes from the file, so that no secret is on a command line; the process ends when its supervisor does.
"""

import ctypes
import json
import os
import pwd
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Take on the user, folder and environment of the program, and execute it."""
    spec = json.loads(Path(sys.argv[1]).read_text())
    supervisor = os.getppid()
    if spec["user"] is not None:
        entry = pwd.getpwnam(spec["user"])
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != supervisor:
            raise SystemExit(1)
    os.chdir(spec["directory"])
    os.execve(spec["command"][0], spec["command"], spec["environment"])  # noqa: S606 - becoming the program is the point


if __name__ == "__main__":
    main()
