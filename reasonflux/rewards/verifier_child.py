"""What runs inside a verifier's child process: its limits, and the grading of one text.

The parent kills at the deadline. The limits set here hold where the parent cannot act: memory fills faster than a kill
arrives, and the child of a parent that was itself killed must not compute for ever.
"""

import logging
import os
import re
import resource
import signal
import time
from pathlib import Path
from typing import Any

from reasonflux.errors import ReasonFluxError
from reasonflux.records import Verdict
from reasonflux.rewards.graders import Grader, grade_text

OUT_OF_MEMORY = 77  # exit status of a child whose item took more memory than it may
MAX_KEPT = 1_000  # characters of an answer, and of a message, that are reported

_MIB = 1 << 20
_NUMBER = re.compile(r"Integer \((?P<integer>\d+) \)|Float \('(?P<decimal>[\d.]+(?:[eE][-+]?\d+)?)' \)")


_grader: Grader | None = None  # set once in each child


def prepare(grader: Grader, memory_mib: int) -> None:
    """Run once in each new child, before its first item: imports and warms everything up, then sets the limits.

    `memory_mib` is address space beyond what the libraries have taken by then. An exception here ends the child.
    """
    global _grader
    # pebble answers SIGTERM in Python, which a long computation in C never reaches: the kill would come 3 s late.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    logging.getLogger("math_verify").setLevel(logging.CRITICAL)
    forbid_evaluation()
    if grade_text(*grader.example, grader)[0] is not Verdict.CORRECT:
        raise ReasonFluxError("the grader fails its own example", "Install the pinned versions of its libraries")
    _grader = grader
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _limit(resource.RLIMIT_AS, taken + memory_mib * _MIB)
    _limit(resource.RLIMIT_CORE, 0)


def grade_one(text: str, gold: str, deadline_s: float) -> tuple[str, str, float, str]:
    """Verdict, answer read, seconds and message of one text, as plain values; never raises for what the text holds."""
    assert _grader is not None, "prepare runs first"
    _limit(resource.RLIMIT_CPU, int(time.process_time() + deadline_s) + 2)
    started = time.perf_counter()
    answer, message = "", ""
    try:
        verdict, answer = grade_text(text, gold, _grader)
    except MemoryError:
        time.sleep(0.2)  # pebble must have read who took the item before it sees the death
        os._exit(OUT_OF_MEMORY)  # a process that has run out is not used again
    except RecursionError:
        verdict, answer, message = Verdict.TIMEOUT, kept_answer(text, _grader), "the answer is nested too deeply"
    except Exception as error:
        verdict, message = Verdict.ERROR, clean(f"{type(error).__name__}: {error}")
    return verdict.value, clean(answer), time.perf_counter() - started, message


def kept_answer(text: str, grader: Grader) -> str:
    """The answer as a grading reports it: bounded, and valid Unicode; empty when there is none."""
    return clean(grader.read(text) or "")


def clean(text: str) -> str:
    """At most `MAX_KEPT` characters, without halves of surrogate pairs, which no file could hold."""
    return text[:MAX_KEPT].encode("utf-8", "replace").decode()


def _limit(kind: int, soft: int) -> None:
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def forbid_evaluation() -> None:
    """Replace the `eval` with which sympy reads strings, every number among them, by a reader of numbers."""
    from sympy import Basic, Float, Integer
    from sympy.parsing import sympy_parser

    def number(code: str, *_: Any) -> Basic:
        match = _NUMBER.fullmatch(code)
        if match is None:
            raise PermissionError("model output is never evaluated")
        return Integer(int(match["integer"])) if match["integer"] else Float(match["decimal"])

    sympy_parser.eval_expr = number
