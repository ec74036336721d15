"""How each generation of ReasonFlux answers: method, format of plans and sampling, by the name of its prompt set."""

from collections.abc import Mapping
from dataclasses import dataclass

from reasonflux.protocols import Sampling
from reasonflux.reasoning.methods.guided import Guided
from reasonflux.reasoning.methods.interplay import Interplay
from reasonflux.reasoning.methods.tools import Method
from reasonflux.reasoning.parsing import PlanFormat


@dataclass(frozen=True, kw_only=True)
class Style:
    """What goes together."""

    method: Method
    plan_format: PlanFormat
    navigator: Sampling
    reasoner: Sampling


# v1: arXiv 2502.06772, as published (temperature 0.6, 3072 new tokens). v2: the proposer as published for answers
# without thinking, the reasoner with thinking. plain: the testbed's models, which are measured greedy.
STYLES: Mapping[str, Style] = {
    "plain": Style(
        method=Interplay(),
        plan_format="templates",
        navigator=Sampling(temperature=0, max_tokens=64),
        reasoner=Sampling(temperature=0, max_tokens=160),
    ),
    "v1": Style(
        method=Interplay(),
        plan_format="templates",
        navigator=Sampling(temperature=0.6, top_p=0.95, max_tokens=3072),
        reasoner=Sampling(temperature=0.6, top_p=0.95, max_tokens=3072),
    ),
    "v2": Style(
        method=Guided(),
        plan_format="free",
        navigator=Sampling(temperature=0.7, top_p=0.8, top_k=20, presence_penalty=1.5, max_tokens=16_384),
        reasoner=Sampling(temperature=0.7, top_p=0.8, top_k=20, presence_penalty=1.5, max_tokens=32_768),
    ),
}
