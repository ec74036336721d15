"""Ways to answer a problem, one file each; all of them take a problem and `Tools` and return a `Solution`."""

from collections.abc import Mapping

from reasonflux.reasoning.methods.best_of_n import BestOfN
from reasonflux.reasoning.methods.direct import Direct
from reasonflux.reasoning.methods.guided import Guided
from reasonflux.reasoning.methods.interplay import Interplay
from reasonflux.reasoning.methods.mcts import Mcts
from reasonflux.reasoning.methods.templated import Templated
from reasonflux.reasoning.methods.tools import Method, Role, Tools

METHODS: Mapping[str, type[Method]] = {
    "direct": Direct,
    "guided": Guided,
    "interplay": Interplay,
    "best_of_n": BestOfN,
    "mcts": Mcts,
    "templated": Templated,
}

__all__ = ["METHODS", "Method", "Role", "Tools"]
