#!/usr/bin/env bash
# Make the virtual environment VENV and install the project into it, pinned by CONSTRAINTS: install.sh VENV CONSTRAINTS
# PYTHON names the interpreter; without it one is looked for. uv is used where it is present.
set -euo pipefail

venv=$1
constraints=$2
python=${PYTHON:-$("$(dirname "$0")/find_python.sh")}
backend=(hatchling editables setuptools wheel)
project=(--no-build-isolation --editable '.[ros,exchange,widowx,sawyer,dev]')

# The ROS wheels leave these behind in the environment; with those of another venv its imports fail.
unset _ROS_WHEELS_BOOTSTRAP_COMPLETE LD_LIBRARY_PATH

echo "Installing into $venv with $("$python" --version): about 2 GB to download, 6 GB on disk"
if command -v uv >/dev/null; then
    uv venv --quiet --seed --allow-existing --python "$python" "$venv"
    install=(uv pip install --quiet --python "$venv/bin/python" --constraint "$constraints")
else
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "$python cannot make virtual environments. On Debian and Ubuntu: sudo apt install python3-venv" >&2
        exit 1
    fi
    "$python" -m venv "$venv"
    install=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check --constraint "$constraints")
fi
# The build tools first and no build isolation: so they are pinned, too.
"${install[@]}" "${backend[@]}"
"${install[@]}" "${project[@]}"
