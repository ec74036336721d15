"""The verifier with real processes: nothing that a text holds hangs it, harms it, or touches another item."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reasonflux.config import VerifierConfig
from reasonflux.errors import ReasonFluxError
from reasonflux.protocols import Grading
from reasonflux.records import Verdict
from reasonflux.rewards.verifier import Verifier
from tests.integration.misbehaving_grader import GRADER, UNSTARTABLE

DEADLINE_S = 2.0  # also of good items, on a machine that may stall
LATENESS_S = 3.0  # what a loaded machine may add to a deadline
GOOD = (r"so \boxed{\frac{\sqrt{2}}{2}}", r"\frac{1}{\sqrt{2}}")  # takes a child


@pytest.fixture(scope="module")
def verifier() -> Iterator[Verifier]:
    with Verifier(VerifierConfig(processes=2, deadline_s=60, memory_mib=1024)) as verifier:
        yield verifier


@pytest.fixture(scope="module")
def strict() -> Iterator[Verifier]:
    with Verifier(VerifierConfig(processes=2, deadline_s=DEADLINE_S, memory_mib=1024)) as verifier:
        yield verifier


@pytest.fixture
def misbehaving() -> Iterator[Verifier]:
    with Verifier(VerifierConfig(processes=2, deadline_s=30, memory_mib=256), GRADER) as verifier:
        yield verifier


async def grade(verifier: Verifier, text: str, gold: str = "5") -> Grading:
    (grading,) = await verifier([(text, gold)])
    return grading


def children() -> list[multiprocessing.process.BaseProcess]:
    return [child for child in multiprocessing.active_children() if child.name.startswith("pebble")]


async def test_verdicts_come_back_in_order_with_the_answer_that_was_read(verifier: Verifier) -> None:
    texts = [r"\boxed{5}", r"\boxed{6}", "five", r"\boxed{2+3}"]
    gradings = await verifier([(text, "5") for text in texts])
    assert [grading.verdict for grading in gradings] == ["correct", "wrong", "unparsed", "correct"]
    assert [grading.answer for grading in gradings] == ["5", "6", "", "2+3"]
    assert all(grading.seconds >= 0 and grading.message == "" for grading in gradings)
    assert await verifier([]) == []


async def test_what_spellings_decide_takes_no_child_and_what_they_do_not_takes_one() -> None:
    before = set(children())
    with Verifier(VerifierConfig(processes=1, deadline_s=60)) as fresh:
        plain = [(r"\boxed{1,000}", "1000"), (r"\boxed{\frac{1}{2}}", "0.5"), (r"\boxed{7}", "5"), ("none", "5")]
        assert [one.verdict for one in await fresh(plain)] == ["correct", "correct", "wrong", "unparsed"]
        assert set(children()) == before
        assert (await grade(fresh, r"\boxed{2+3}")).verdict is Verdict.CORRECT
        assert len(set(children()) - before) == 1


async def test_a_tower_of_powers_costs_its_deadline_and_no_more(strict: Verifier) -> None:
    await grade(strict, *GOOD)  # warm
    started = time.perf_counter()
    hostile, *others = await strict([(r"\boxed{5^(5^(5^(5^5)))}", "5"), *[GOOD] * 20])
    waited = time.perf_counter() - started
    assert hostile.verdict is Verdict.TIMEOUT
    assert (hostile.answer, hostile.seconds) == ("5^(5^(5^(5^5)))", DEADLINE_S)
    assert "not graded within 2 s" in hostile.message
    assert {grading.verdict for grading in others} == {Verdict.CORRECT}
    assert waited < DEADLINE_S + LATENESS_S


HOSTILE = {
    "tower": r"5^{5^{5^{5^5}}}",
    "factorial": r"(10^{10})!",
    "shift": r"2^{10^{12}}",
    "modulus": r"9^{9^{9^9}} \bmod 7",
    "sum": r"\sum_{n=1}^{10^9} n^n",
    "binomial": r"\binom{10^9}{5 \cdot 10^8}",
    "expansion": r"(x+1)^{100000}",
    "many digits": "9" * 200_000,
    "a million characters": "1+" * 500_000,
    "parentheses": "(" * 100_000 + ")" * 100_000,
    "deep roots": r"\sqrt{" * 500 + "2" + "}" * 500,
    "deep fractions": r"\frac{1}{" * 300 + "x" + "}" * 300,
    "wide matrix": r"\begin{pmatrix}" + "1&" * 1000 + r"1\end{pmatrix}",
    "unclosed": r"\boxed{",
    "nulls": "\0\0\0",
    "half a surrogate pair": "\ud800",
    "other scripts": "五 ٥ ５ \U0001d7d3 \u202e",
    "format": "%s%n{0}",
}


async def test_no_hostile_answer_hangs_the_verifier_or_is_taken_for_right(strict: Verifier) -> None:
    await grade(strict, *GOOD)
    started = time.perf_counter()
    gradings = await strict([(rf"\boxed{{{answer}}}", "5") for answer in HOSTILE.values()])
    waited = time.perf_counter() - started
    verdicts = {name: grading.verdict for name, grading in zip(HOSTILE, gradings, strict=True)}
    assert not {name: verdict for name, verdict in verdicts.items() if verdict in ("correct", "error")}
    assert waited < len(HOSTILE) * (DEADLINE_S + LATENESS_S)
    for grading in gradings:
        assert len(grading.answer) <= 1000
        grading.answer.encode()  # could be written to a file
    assert (await grade(strict, *GOOD)).verdict is Verdict.CORRECT


async def test_a_gold_answer_that_hangs_is_a_timeout_as_well(strict: Verifier) -> None:
    assert (await grade(strict, r"\boxed{x+2}", r"5^{5^{5^{5^5}}}")).verdict is Verdict.TIMEOUT


async def test_code_in_an_answer_is_never_run(verifier: Verifier, tmp_path: Path) -> None:
    made = tmp_path / "made"
    command = f"__import__('os').system('touch {made}')"
    codes = [command, rf"\text{{{command}}}", f"1+{command}", f"eval({command!r})", f"f({command})=1", f"'{command}'"]
    texts = [rf"\boxed{{{code}}}" for code in codes] + [f"The answer is ${code}$" for code in codes]
    gradings = await verifier([(text, "5") for text in texts] + [(r"\boxed{x}", code) for code in codes])
    assert all(grading.verdict is not Verdict.CORRECT for grading in gradings)
    assert not made.exists()


async def test_megabytes_of_text_are_cut_to_their_end(verifier: Verifier) -> None:
    assert (await grade(verifier, "thinking " * 1_000_000 + r"\boxed{5}")).verdict is Verdict.CORRECT


async def test_an_empty_gold_answer_is_an_error_and_not_a_wrong_answer(verifier: Verifier) -> None:
    grading = await grade(verifier, r"\boxed{5}", "")
    assert grading.verdict is Verdict.ERROR
    assert "gold answer is empty" in grading.message


@pytest.mark.parametrize("text", ["fill the memory", "ask for more memory than there is"])
async def test_too_much_memory_is_a_timeout_that_says_so(misbehaving: Verifier, text: str) -> None:
    hostile, other = await misbehaving([(text, "5"), ("5", "5")])
    assert hostile.verdict is Verdict.TIMEOUT
    assert "more than 256 MiB" in hostile.message
    assert other.verdict is Verdict.CORRECT


async def test_a_grader_that_raises_or_recurses_is_told_apart(misbehaving: Verifier) -> None:
    raising, recursing = await misbehaving([("raise", "5"), ("recurse", "5")])
    assert (raising.verdict, raising.message) == (Verdict.ERROR, "ValueError: half a character: ?")
    assert (recursing.verdict, recursing.message) == (Verdict.TIMEOUT, "the answer is nested too deeply")


async def test_a_child_that_dies_costs_only_its_own_item(misbehaving: Verifier, tmp_path: Path) -> None:
    items = [("die", "5"), *[("5", "5")] * 30, (f"die once, {tmp_path}/died", "5")]
    dead, *others = await misbehaving(items)
    assert dead.verdict is Verdict.ERROR
    assert "died 2 times" in dead.message
    assert {grading.verdict for grading in others} == {Verdict.CORRECT}


async def test_children_killed_while_idle_are_replaced(misbehaving: Verifier) -> None:
    await grade(misbehaving, "5")
    before = set(children())
    for child in before:
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
    assert (await grade(misbehaving, "5")).verdict is Verdict.CORRECT
    await asyncio.sleep(0.5)  # the pool has seen the deaths by now, if it had not before
    assert (await grade(misbehaving, "5")).verdict is Verdict.CORRECT


async def test_children_that_cannot_start_are_an_error_with_its_remedy() -> None:
    refusal = pytest.raises(ReasonFluxError, match=r"end before their first item.*standard error")
    with Verifier(VerifierConfig(processes=1), UNSTARTABLE) as verifier, refusal:
        await grade(verifier, "5")


async def test_the_event_loop_runs_on_while_answers_are_graded() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    with Verifier(VerifierConfig(processes=1, deadline_s=DEADLINE_S), GRADER) as verifier:
        assert (await grade(verifier, "hang")).verdict is Verdict.TIMEOUT
    ticking.cancel()
    assert ticks > 20


async def test_a_cancelled_call_frees_its_children() -> None:
    with Verifier(VerifierConfig(processes=1, deadline_s=300), GRADER) as verifier:
        await grade(verifier, "5")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(grade(verifier, "hang"), 1)
        assert (await asyncio.wait_for(grade(verifier, "5"), 60)).verdict is Verdict.CORRECT


async def test_closing_ends_the_children_and_what_waits_for_them() -> None:
    before = set(children())
    verifier = Verifier(VerifierConfig(processes=1, deadline_s=300), GRADER)
    await grade(verifier, "5")
    assert len(set(children()) - before) == 1
    waiting = asyncio.create_task(grade(verifier, "hang"))
    await asyncio.sleep(0.2)
    verifier.close()
    assert set(children()) <= before
    with pytest.raises(ReasonFluxError, match="closed"):
        await asyncio.wait_for(waiting, 10)
    with pytest.raises(ReasonFluxError, match="closed"):
        await grade(verifier, "5")


def test_one_verifier_serves_one_event_loop_after_the_other(verifier: Verifier) -> None:
    for _ in range(2):
        gradings = asyncio.run(verifier([GOOD] * 200))
        assert {grading.verdict for grading in gradings} == {Verdict.CORRECT}


PARENT = """
import asyncio, multiprocessing, threading, time
from reasonflux.config import VerifierConfig
from reasonflux.rewards.verifier import Verifier

def tell(verifier):
    time.sleep(1)
    print(multiprocessing.active_children()[0].pid, flush=True)

async def main():
    with Verifier(VerifierConfig(processes=1, deadline_s=2)) as verifier:
        await verifier([(r"\\boxed{2+3}", "5")])
        threading.Thread(target=tell, args=(verifier,)).start()
        while True:
            await verifier([(r"\\\\boxed{5^{5^{5^{5^5}}}}", "5")])

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_a_killed_parent_leaves_no_child_computing(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=env) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    gone_by = time.monotonic() + 60  # its 2 + 2 s of processor time, on a loaded machine
    while Path(f"/proc/{child}").exists() and _state(child) != "Z":
        assert time.monotonic() < gone_by, "the child still computes"
        time.sleep(0.1)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"
