#!/usr/bin/env bash
# uv, of the version in cpu.txt, reading the package indexes that pip is configured for.
#   requirements/tool.sh PYTHON ARGUMENTS…    PYTHON: an interpreter with pip; uv is put beside it
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
python="$1"
shift

# uv's variable $1 takes what pip has in its variable PIP_$2 or its files (global.$3), several values joined by $4.
# A variable that is set already, even to nothing, stays.
take() {
    local of_pip="PIP_$2" IFS="${4:- }" values
    if [[ -v $1 ]]; then return; fi
    IFS=$' \n' read -rd '' -a values <<<"${!of_pip:-$("$python" -m pip config get "global.$3" 2>/dev/null)}" || true
    if ((${#values[@]})); then export "$1=${values[*]}"; fi
}
take UV_DEFAULT_INDEX INDEX_URL index-url
take UV_INDEX EXTRA_INDEX_URL extra-index-url
take UV_FIND_LINKS FIND_LINKS find-links ,
take UV_INSECURE_HOST TRUSTED_HOST trusted-host
take UV_HTTP_TIMEOUT DEFAULT_TIMEOUT timeout
take SSL_CERT_FILE CERT cert
export UV_INDEX_STRATEGY=unsafe-best-match # the best version of all indexes, as pip takes it

version="$(sed -n 's/^uv==//p' "$here/cpu.txt")"
uv="$(dirname "$python")/uv"
if [[ "$("$uv" --version 2>/dev/null)" != "uv $version"* ]]; then
    "$python" -m pip install -qq --disable-pip-version-check "uv==$version"
fi
exec "$uv" "$@"
