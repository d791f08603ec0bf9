#!/usr/bin/env bash
# Print the path of a Python that the project runs on; with an argument such as 3.12, of that version alone.
# pyenv's shims exist for versions that are not switched on, so each candidate is run, not just looked up.
set -euo pipefail

wanted=${1:-}
if [ -n "$wanted" ]; then names=("python$wanted" python3); else names=(python3 python3.13 python3.12 python3.11); fi

for name in "${names[@]}"; do
    version=$("$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    case "${wanted:-3.11 3.12 3.13}" in
        *"$version"*) exec "$name" -c 'import sys; print(sys.executable)' ;;
    esac
done

shopt -s nullglob
for python in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/${wanted:-3.1[123]}.*/bin/python; do
    echo "$python"
    exit
done

if [ -n "$wanted" ]; then
    echo "No Python $wanted found." >&2
else
    echo "No Python 3.11, 3.12 or 3.13 found (python3 is: $(python3 --version 2>/dev/null || echo missing))." >&2
    echo "Debian 12 and Ubuntu 24.04 have one: sudo apt install python3 python3-venv" >&2
fi
exit 1
