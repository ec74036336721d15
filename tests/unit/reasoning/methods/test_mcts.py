"""Tree search: nodes are the reasoner's own steps, values are agreement, gold is nowhere."""

from collections.abc import Callable

from reasonflux.protocols import Outcome, Request
from reasonflux.reasoning.methods.mcts import Mcts
from reasonflux.records import Solution
from tests.scripted import ScriptedGenerate
from tests.unit.reasoning.builders import problem
from tests.unit.reasoning.methods.doubles import tools


def start_of(request: Request) -> str:
    """The assistant's words that a request continues."""
    last = request.messages[-1]
    return last.content if last.role == "assistant" else ""


async def search(method: Mcts, script: Callable[[Request], str]) -> tuple[Solution, list[str]]:
    generate = ScriptedGenerate(script)
    solution = await method(problem("p"), tools(generate))
    return solution, [start_of(request) for request in generate.requests]


async def test_e5_the_search_goes_on_from_steps_in_the_reasoners_own_words() -> None:
    lines = ["one\n", "two\n", r"three \boxed{3}"]
    solution, starts = await search(
        Mcts(rollouts=6, width=1, children=1), lambda request: "".join(lines).removeprefix(start_of(request))
    )
    assert starts == ["", "one\n", "one\ntwo\n", "one\ntwo\n", "one\ntwo\n", "one\ntwo\n"]
    assert solution.answer == "3"
    assert solution.steps == ()


async def test_the_search_spends_its_rollouts_where_answers_agree() -> None:
    turn = iter(range(1000))

    def script(request: Request) -> str:
        number = next(turn)
        if start_of(request):
            return r"so \boxed{7}" if start_of(request).startswith("good") else rf"so \boxed{{{number}}}"
        return ["good\n", "bad\n"][number % 2] + (r"\boxed{7}" if number % 2 == 0 else rf"\boxed{{-{number}}}")

    solution, starts = await search(Mcts(rollouts=40, width=1, children=2, exploration=1.0), script)
    assert solution.answer == "7"
    assert starts.count("good\n") > 3 * starts.count("bad\n") > 0


async def test_an_answer_that_nobody_shares_loses_against_one_given_twice() -> None:
    texts = iter([r"\boxed{1}", r"\boxed{2}", "none", r"\boxed{2}"])
    solution, _ = await search(Mcts(rollouts=4, width=2), lambda request: next(texts))
    assert solution.answer == "2"


async def test_a_wave_is_one_call_and_its_simulations_have_seeds_of_their_own() -> None:
    generate = ScriptedGenerate({"": r"a\nb \boxed{1}"})
    await Mcts(rollouts=10, width=4)(problem("p"), tools(generate))
    assert [len(call) for call in generate.calls] == [4, 4, 2]
    assert len({request.seed for request in generate.requests}) == 10


async def test_spent_tokens_end_the_search() -> None:
    generate = ScriptedGenerate({"": r"\boxed{1}"})
    await Mcts(rollouts=10, width=1, tokens=1)(problem("p"), tools(generate))
    assert len(generate.requests) == 1


async def test_rollouts_that_fail_cost_no_others() -> None:
    generate = ScriptedGenerate({"": r"\boxed{1}"})
    await Mcts(rollouts=2)(problem("p"), tools(generate))
    generate = ScriptedGenerate({"": r"\boxed{1}"}, {generate.requests[0].id: Outcome.ENGINE_ERROR})
    assert (await Mcts(rollouts=2)(problem("p"), tools(generate))).answer == "1"
