#!/usr/bin/env bash
# Resolves cpu.in and gpu.in into cpu.txt and gpu.txt: every package pinned, no index and no path named.
#   requirements/lock.sh PYTHON [--upgrade | --upgrade-package NAME]
# What is pinned already stays unless it is asked to move; a new name in gpu.txt takes cpu.txt's version where it can.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
python="$1"
shift
export UV_INDEX='' UV_FIND_LINKS='' # pip's main index alone: the lists do not depend on what one machine keeps beside it

resolve() {
    local list="$1"
    shift
    ./tool.sh "$python" pip compile "$list.in" --output-file "$list.txt" --quiet --no-annotate \
        --python-version 3.11 --python-platform x86_64-manylinux_2_28 --custom-compile-command "make lock" "$@"
}
resolve cpu --excludes cpu.exclude --overrides cpu.override "$@"
touch gpu.txt
pins="$(awk -F== '!seen[$1]++' gpu.txt cpu.txt)"
echo "$pins" >gpu.txt
resolve gpu "$@"
