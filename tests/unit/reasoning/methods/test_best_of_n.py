"""n samples, one answer: by votes, by logprob, and the oracle as a ceiling."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from reasonflux.errors import BadInput
from reasonflux.protocols import Completion, Grading, Outcome, Request
from reasonflux.reasoning.methods import Role
from reasonflux.reasoning.methods.best_of_n import BestOfN
from reasonflux.reasoning.methods.voting import sameness, vote
from reasonflux.records import Verdict
from tests.scripted import ScriptedGenerate
from tests.unit.reasoning.builders import problem
from tests.unit.reasoning.methods.doubles import tools


class Samples(ScriptedGenerate):
    """One text a request, in turn, with a logprob each."""

    def __init__(self, *texts: str, logprobs: Sequence[float] = ()) -> None:
        self.texts = list(texts)
        self.logprobs = list(logprobs)
        super().__init__(lambda request: self.texts.pop(0))

    async def __call__(self, requests: Sequence[Request]) -> list[Completion]:
        done = await super().__call__(requests)
        if not self.logprobs:
            return done
        return [
            replace(one, usage=replace(one.usage, output_tokens=2, cumulative_logprob=self.logprobs.pop(0)))
            for one in done
        ]


async def same_number(items: Sequence[tuple[str, str]]) -> list[Grading]:
    """Takes a half, in words or figures, for 0.5, and everything that is spelled alike."""

    def value(text: str) -> str:
        return text.replace(r"\boxed{", "").rstrip("}").replace("1/2", "0.5").replace("one half", "0.5")

    verdicts = [Verdict.CORRECT if value(text) == value(gold) else Verdict.WRONG for text, gold in items]
    return [Grading(verdict=verdict, answer="", seconds=0.0) for verdict in verdicts]


async def test_the_answer_of_most_samples_wins_however_it_is_spelled() -> None:
    samples = Samples(r"\boxed{7}", r"\boxed{1{,}000}", r"\boxed{ 1,000 }", "nothing", r"\boxed{7\,00}")
    solution = await BestOfN(n=5)(problem("p"), tools(samples))
    assert solution.answer == "1{,}000"
    assert len(solution.exchanges) == 5
    assert len({request.seed for request in samples.requests}) == 5


async def test_a_grader_can_say_which_answers_are_the_same() -> None:
    texts = (r"\boxed{3}", r"\boxed{3}", r"\boxed{one half}", r"\boxed{0.5}", r"\boxed{0.50}")
    assert (await BestOfN(n=5)(problem("p"), tools(Samples(*texts)))).answer == "3"
    assert await vote(["3", "3", "one half", "0.5", None, "one half"], same_number) == [2, 2, 3, 3, 0, 3]


async def test_the_likeliest_sample_with_an_answer_wins_without_a_verifier() -> None:
    samples = Samples(r"\boxed{1}", r"\boxed{2}", "none", logprobs=[-4.0, -2.0, -0.1])
    assert (await BestOfN(n=3, select="logprob")(problem("p"), tools(samples))).answer == "2"


async def test_only_the_oracle_sees_the_gold_answer_and_it_needs_a_grader() -> None:
    texts = (r"\boxed{3}", r"\boxed{3}", r"\boxed{0.5}")
    half = replace(problem("p"), gold="1/2")
    assert (await BestOfN(n=3)(half, tools(Samples(*texts), grade=same_number))).answer == "3"
    oracle = BestOfN(n=3, select="oracle")
    assert (await oracle(half, tools(Samples(*texts), grade=same_number))).answer == "0.5"
    assert (await oracle(replace(half, gold="8"), tools(Samples(*texts), grade=same_number))).answer == "3"
    with pytest.raises(BadInput, match="oracle's selection needs a grader"):
        await oracle(half, tools(Samples(*texts)))


async def test_more_samples_keep_the_first_ones() -> None:
    few, many = ScriptedGenerate({"": r"\boxed{1}"}), ScriptedGenerate({"": r"\boxed{1}"})
    await BestOfN(n=2)(problem("p"), tools(few))
    await BestOfN(n=4)(problem("p"), tools(many))
    assert [one.id for one in few.requests] == [one.id for one in many.requests][:2]


async def test_guided_samples_bring_the_winners_plan() -> None:
    plans = Samples("1. A", "1. B", "1. B")
    reasoner = ScriptedGenerate({"1. A": r"\boxed{a}", "1. B": r"\boxed{b}"})
    base = tools(plans)
    using = replace(base, reasoner=Role(generate=reasoner, sampling=base.reasoner.sampling))
    solution = await BestOfN(n=3, of="guided")(problem("p"), using)
    assert solution.answer == "b"
    assert [step.name for step in solution.steps] == ["B"]
    assert len(solution.exchanges) == 6


async def test_samples_that_fail_cost_no_others() -> None:
    generate = ScriptedGenerate({"": r"\boxed{1}"})
    whole = await BestOfN(n=2)(problem("p"), tools(generate))
    ids = [request.id for request in generate.requests]
    one_fails = ScriptedGenerate({"": r"\boxed{1}"}, {ids[0]: Outcome.ENGINE_ERROR})
    all_fail = ScriptedGenerate({"": r"\boxed{1}"}, dict.fromkeys(ids, Outcome.ENGINE_ERROR))
    assert (await BestOfN(n=2)(problem("p"), tools(one_fails))).answer == whole.answer == "1"
    failed = await BestOfN(n=2)(problem("p"), tools(all_fail))
    assert failed.failure is not None
    assert (failed.failure.error, len(failed.exchanges)) == ("engine_error", 2)


def test_a_selection_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BadInput, match="majority, logprob, oracle"):
        BestOfN(select="luck")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"\dfrac{1}{2}", r"\frac{1}{2}"),
        ("$5$", "5"),
        (r"\text{East}", "east"),
        (r"\left(1, 2\right)", "(1,2)"),
        ("1,000", r"1{,}000"),
        ("0.50", r"\frac{1}{2}"),
    ],
)
def test_looks_are_not_spelling(one: str, other: str) -> None:
    assert sameness(one) == sameness(other)


def test_different_answers_stay_apart() -> None:
    assert len({sameness(one) for one in ("1,2", "12", "1.2", "-12", "(1,2)", "[1,2)", r"\sqrt{12}")}) == 7
