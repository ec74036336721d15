"""What is graded of a solution, and what becomes of one that failed."""

from dataclasses import replace

import pytest

from reasonflux.arrow import from_table, to_table
from reasonflux.evals.samples import Provenance, Sample, Solved, Trial, graded_text, sample_of, verdict_on
from reasonflux.protocols import Grading
from reasonflux.records import Exchange, Failure, Message, Problem, Solution, Usage, Verdict

WRONG = Grading(verdict=Verdict.WRONG, answer="5", seconds=0.1)
PROBLEM = Problem(id="set:1", text="2 + 3?", gold="5", problem_set="set")


def exchange(text: str, role: str = "reasoner", outcome: str = "stopped", seed: int = 3) -> Exchange:
    usage = Usage(prompt_tokens=10, output_tokens=len(text), cached_tokens=4)
    prompt = (Message(role="user", content="?"),)
    return Exchange(
        role=role, purpose="p", prompt=prompt, text=text, outcome=outcome, message="", usage=usage, seed=seed
    )


def solution(answer: str | None, *exchanges: Exchange, failure: Failure | None = None) -> Solution:
    return Solution(
        id="s",
        problem_id="set:1",
        method="direct",
        answer=answer,
        steps=(),
        exchanges=exchanges,
        decisions=(),
        retrieved=("t",),
        seconds=1.0,
        failure=failure,
    )


def test_the_text_that_gave_the_answer_is_graded_and_not_the_last_one() -> None:
    first, last = exchange(r"\boxed{5}"), exchange(r"\boxed{6}")
    assert graded_text(solution("5", first, last)) == (r"\boxed{5}", False)
    assert graded_text(solution("7", first, last)) == (r"\boxed{7}", False)
    assert graded_text(solution(None, exchange("Answer: C", outcome="truncated"))) == ("Answer: C", True)
    assert graded_text(solution(None)) == ("", False)


@pytest.mark.parametrize(
    ("error", "verdict"), [("unreadable_plan", "unparsed"), ("engine_error", "error"), ("prompt_too_long", "error")]
)
def test_a_solution_that_failed_is_not_wrong(error: str, verdict: str) -> None:
    failed = solution(None, failure=Failure(stage="navigator", error=error, message=""))
    assert verdict_on(failed, WRONG) == verdict


def test_an_answer_that_was_cut_off_is_truncated() -> None:
    unparsed = replace(WRONG, verdict=Verdict.UNPARSED)
    assert verdict_on(solution(None, exchange("and so", outcome="truncated")), unparsed) is Verdict.TRUNCATED
    assert verdict_on(solution("5", exchange(r"\boxed{5}", outcome="truncated")), WRONG) is Verdict.WRONG


def test_a_sample_adds_tokens_up_by_role_and_survives_a_table() -> None:
    asked = solution("5", exchange("plan", role="navigator"), exchange(r"\boxed{4}"), exchange(r"\boxed{5}", seed=8))
    trial = Trial(id="t", benchmark="b", grader="math", model="m", method="best", index=2, problem=PROBLEM)
    provenance = Provenance(navigator="n", reasoner="r", prompts="p", library="")
    sample = sample_of(Solved(id="t", trial=trial, solution=asked, failure=None), WRONG, "", provenance)
    assert (sample.navigator_prompt_tokens, sample.navigator_output_tokens, sample.navigator_cached_tokens) == (
        10,
        4,
        4,
    )
    assert (sample.reasoner_prompt_tokens, sample.reasoner_output_tokens) == (20, 18)
    assert (sample.seed, sample.output, sample.requests, sample.index) == (8, r"\boxed{5}", 3, 2)
    assert from_table(Sample, to_table(Sample, [sample])) == [sample]
