#!/bin/sh
# Makes the project's Python environment in .venv: finds a Python, finds or installs uv, installs what uv.lock says.
# `setup.sh doctor` changes nothing: it says which system packages are there.
set -eu
cd "$(dirname "$0")/.."
export UV_PYTHON_DOWNLOADS=never
trap 'exit 130' INT  # taken once the program in the foreground has ended
packages=$(tr '\n' ' ' <localstack/debian-packages.txt)

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; }

find_python() {
    for candidate in /usr/bin/python3 python3 python3.12 python3.11; do
        if fits "$candidate"; then command -v "$candidate"; return; fi
    done
    return 1
}

# apt runs in a session of its own: Ctrl-C between its steps would leave packages half installed.
apt() { setsid --wait apt-get "$@" 2>&1 >/dev/null; }

install_packages() {
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "missing system packages; run as root: apt-get install -y --no-install-recommends ${packages% }" >&2
        exit 1
    fi
    echo "apt-get install -y --no-install-recommends $*"
    export DEBIAN_FRONTEND=noninteractive
    dpkg --configure -a >/dev/null 2>&1 || true  # an installation that was cut off blocks every later one
    said=$(apt update -q && apt install -y -q --no-install-recommends "$@") || { echo "$said" >&2; exit 1; }
}

if [ "${1:-}" = doctor ]; then
    lacking=0
    for package in $packages; do
        if dpkg -s "$package" >/dev/null 2>&1; then word=found; else word=missing lacking=1; fi
        printf '  %-16s %s\n' "$word" "$package"
    done
    [ "$lacking" -eq 0 ] || echo "as root, make setup installs what is missing; others need: apt-get install -y --no-install-recommends ${packages% }"
    exit "$lacking"
fi

python=$(find_python) || {
    install_packages python3 python3-venv
    python=$(find_python) || { echo "Python 3.11 or 3.12 is needed" >&2; exit 1; }
}

uv=uv
if ! uv --version >/dev/null 2>&1; then
    uv=.cache/uv-venv/bin/uv
    if ! "$uv" --version >/dev/null 2>&1; then
        "$python" -c 'import ensurepip' 2>/dev/null || install_packages python3-venv
        echo "installing uv from PyPI into .cache/uv-venv"
        mkdir -p .cache
        "$python" -m venv --clear .cache/uv-venv
        .cache/uv-venv/bin/pip install -q --disable-pip-version-check 'uv>=0.9'
    fi
fi

echo "uv sync (Python $("$python" -c 'import platform; print(platform.python_version())'))"
"$uv" sync --quiet --frozen --all-extras --all-groups --python "$python"
