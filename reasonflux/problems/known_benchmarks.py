"""Problems of known benchmarks, told by name and by content, so that nothing is trained or built on them.

`known_benchmarks.json` holds, for every problem, hashes of a few runs of its words, rare ones first, and no text: a
problem that shares two of them is the benchmark's, edited or not. Made by
`python -m reasonflux.problems.known_benchmarks FOLDER`.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from pathlib import Path

FILE = Path(__file__).with_suffix(".json")
RUN_WORDS = 8  # of a run; a shorter problem is one run
KEPT = 4  # hashes a problem
SHARED = 2  # of them in common, or all where a problem has fewer
HASH_BYTES = 6
NAMES = ("math500", "aime", "amc23", "olympiadbench", "gaokao2023", "gpqa", "mathfinal500")

_WORD = re.compile(r"\w+")


def benchmark_by_name(name: str) -> str | None:
    """The benchmark that a file or data set is called after, None for any other."""
    plain = "".join(_WORD.findall(name.lower())).replace("_", "")
    return next((known for known in NAMES if known in plain), None)


def benchmark_of(text: str) -> str | None:
    """The benchmark that a problem stands in, None for any other."""
    shared: Counter[tuple[str, int]] = Counter()
    for run in _runs(text):
        shared.update(_known().get(run, ()))
    needed = {place: min(SHARED, _sizes()[place]) for place in shared}
    return next((place[0] for place, count in shared.most_common() if count >= needed[place]), None)


def _runs(text: str) -> set[str]:
    words = _WORD.findall(text.lower())
    runs = [words[start : start + RUN_WORDS] for start in range(max(1, len(words) - RUN_WORDS + 1))]
    return {blake2b(" ".join(run).encode(), digest_size=HASH_BYTES).hexdigest() for run in runs if run}


@cache
def _known() -> dict[str, list[tuple[str, int]]]:
    """Problems by hash: benchmark and number."""
    holders: dict[str, list[tuple[str, int]]] = {}
    for name, prints in json.loads(FILE.read_text(encoding="utf-8")).items():
        for number, hashes in enumerate(prints):
            for run in hashes.split():
                holders.setdefault(run, []).append((name, number))
    return holders


@cache
def _sizes() -> Counter[tuple[str, int]]:
    return Counter(place for places in _known().values() for place in places)


def _write(folder: Path, names: Iterable[str]) -> None:
    runs: dict[str, list[set[str]]] = {}
    for name in names:
        rows = map(json.loads, (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines())
        runs[name] = [_runs(next(row[key] for key in ("problem", "question") if row.get(key))) for row in rows]
    common = Counter(run for problems in runs.values() for problem in problems for run in problem)
    prints = {
        name: [" ".join(sorted(problem, key=lambda run: (common[run], run))[:KEPT]) for problem in problems]
        for name, problems in runs.items()
    }
    FILE.write_text(json.dumps(prints, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _write(Path(sys.argv[1]), ("math500", "aime24", "amc23", "olympiadbench", "gaokao2023en"))
