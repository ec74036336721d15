"""Tools on a scripted `Generate`, for the tests of methods."""

from collections.abc import Mapping
from types import FunctionType
from typing import Any, cast

from reasonflux.protocols import Generate, Request, Sampling
from reasonflux.reasoning.methods import Role, Tools
from reasonflux.reasoning.prompt_set import PromptSet
from tests.scripted import Script, ScriptedGenerate

PLAIN = PromptSet.load()


def asked_for(request: Request) -> str:
    """Which of the plain prompts a request was made with."""
    starts = {"Plan how": "navigator", "Apply the": "step", "Judge": "evaluate", "Solve": "direct"}
    text = request.messages[0].content
    return next(name for start, name in starts.items() if text.startswith(start))


def plan_in(request: Request) -> list[str]:
    """The steps of the plan that a plain prompt shows."""
    lines = request.messages[0].content.partition("Plan:\n")[2].splitlines()
    return [line.partition(". ")[2] for line in lines if line[:1].isdigit()]


def tools(script: Script | Generate, **fields: Any) -> Tools:
    """Both roles on one script, or on one `Generate`."""
    generate = ScriptedGenerate(script) if isinstance(script, Mapping | FunctionType) else cast(Generate, script)
    role = Role(generate=generate, sampling=Sampling())
    given: dict[str, Any] = {
        "navigator": role,
        "reasoner": role,
        "prompts": PLAIN,
        "known": lambda _: ("Add",),
    } | fields
    return Tools(**given)
