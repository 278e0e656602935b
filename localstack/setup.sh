#!/bin/sh
# Makes the project's Python environment in .venv: finds a Python, finds or installs uv, installs what uv.lock says.
set -eu
cd "$(dirname "$0")/.."
export UV_PYTHON_DOWNLOADS=never

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; }

find_python() {
    for candidate in /usr/bin/python3 python3 python3.12 python3.11; do
        if fits "$candidate"; then command -v "$candidate"; return; fi
    done
    return 1
}

install_package() {
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "missing system package; run as root: apt-get install -y $1" >&2
        exit 1
    fi
    echo "apt-get install -y $1"
    apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$1" >/dev/null
}

python=$(find_python) || { install_package python3; python=$(find_python) || { echo "Python 3.11 or 3.12 is needed" >&2; exit 1; }; }

uv=uv
if ! uv --version >/dev/null 2>&1; then
    uv=.cache/uv-venv/bin/uv
    if ! "$uv" --version >/dev/null 2>&1; then
        "$python" -c 'import ensurepip' 2>/dev/null || install_package python3-venv
        echo "installing uv from PyPI into .cache/uv-venv"
        mkdir -p .cache
        "$python" -m venv --clear .cache/uv-venv
        .cache/uv-venv/bin/pip install -q --disable-pip-version-check 'uv>=0.9'
    fi
fi

echo "uv sync (Python $("$python" -c 'import platform; print(platform.python_version())'))"
"$uv" sync --quiet --frozen --all-extras --all-groups --python "$python"
