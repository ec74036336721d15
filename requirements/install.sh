#!/usr/bin/env bash
# .venv with exactly what cpu.txt lists, and this project, editable.
#   requirements/install.sh PYTHON STAMP    PYTHON: 3.11; STAMP: written last, so that a broken-off install starts anew
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python="$1"
stamp="$2"
venv=.venv

"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || {
    echo "Python 3.11 is needed; name it: make PYTHON=/path/to/python3.11" >&2
    exit 2
}
SECONDS=0
if [[ ! -e "$venv/.complete" ]]; then rm -rf "$venv"; fi # never built, or broken off half-way
if [[ ! -d "$venv" ]]; then "$python" -m venv "$venv"; fi
rm -f "$venv/.complete" "$venv"/.ready-*
echo "Setting up $venv from requirements/cpu.txt (about a minute) …" >&2
uv() { requirements/tool.sh "$venv/bin/python" "$@" --quiet --python "$venv/bin/python"; }
uv pip sync requirements/cpu.txt
uv pip install --no-deps --no-build-isolation --editable .
grep -q '^cuda.*= None' "$venv"/lib/python3.11/site-packages/torch/version.py || {
    echo "The torch that pip found is a CUDA build: let pip's configuration name an index with CPU builds of torch" >&2
    exit 2
}
touch "$venv/.complete" "$stamp"
echo "$venv is ready after $SECONDS s" >&2
