"""What a method says that it asks for at most, against what it asks for."""

from collections import Counter

import pytest

from reasonflux.protocols import Request
from reasonflux.reasoning.methods import METHODS, Method
from reasonflux.reasoning.methods.best_of_n import BestOfN
from reasonflux.reasoning.methods.direct import Direct
from reasonflux.reasoning.methods.guided import Guided
from reasonflux.reasoning.methods.interplay import Interplay
from reasonflux.reasoning.methods.mcts import Mcts
from reasonflux.reasoning.methods.templated import Templated
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import ThoughtTemplate
from tests.unit.reasoning.builders import problem, template
from tests.unit.reasoning.methods.doubles import PLAIN, asked_for, tools

STEPS = 4
PLAN = "\n".join(f"{number}. step {number}" for number in range(1, 12))  # longer than any method carries out here
WHOLE = PromptSet(
    sources={
        name: f"{name} {{{{ problem.text }}}}"
        for name in ("navigator", "adjust", "instruct", "step", "evaluate", "answer", "reasoner", "direct")
    }
)


def answer(request: Request) -> str:
    start = request.messages[0].content.split()[0]
    purpose = start if start in WHOLE.sources else asked_for(request)
    return {"navigator": PLAN, "adjust": PLAN, "evaluate": "continue"}.get(purpose, r"first" + "\n" + r"\boxed{1}")


@pytest.mark.parametrize("prompts", [PLAIN, WHOLE], ids=["plain", "whole"])
@pytest.mark.parametrize(
    ("method", "exact"),
    [
        (Direct(), True),
        (Guided(), True),
        (Templated(), True),
        (BestOfN(n=3, of="guided"), True),
        (Mcts(rollouts=6), True),
        (Interplay(rounds=0, steps=STEPS), True),
        (Interplay(rounds=2, steps=STEPS), True),
        (Interplay(rounds=STEPS, steps=STEPS), True),
        (Interplay(rounds=9, steps=STEPS), False),  # as many rounds as there are steps to judge
    ],
)
async def test_e1_no_method_asks_for_more_than_it_says(method: Method, exact: bool, prompts: PromptSet) -> None:
    async def retrieve(query: str, count: int) -> list[tuple[ThoughtTemplate, float]]:
        return [(template("t"), 1.0)][:count]

    solution = await method(problem("p"), tools(answer, prompts=prompts, retrieve=retrieve))
    assert solution.failure is None
    asked = Counter(exchange.role for exchange in solution.exchanges)
    said = method.requests(prompts)
    most = {role: said.conversations * said.of(role) for role in ("navigator", "reasoner")}
    assert all(asked[role] <= most[role] for role in most), (asked, most)
    assert not exact or all(asked[role] == most[role] for role in most), (asked, most)


def test_every_method_says_it() -> None:
    assert all(
        sum((said.navigator, said.reasoner)) > 0 for said in (kind().requests(PLAIN) for kind in METHODS.values())
    )
