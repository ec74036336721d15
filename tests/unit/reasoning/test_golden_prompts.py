"""Each prompt of the sets v1 and v2, rendered, is the text under `golden/`.

After a change that is meant: REASONFLUX_WRITE_GOLDEN=1 python -m pytest tests/unit/reasoning/test_golden_prompts.py
"""

import os
from pathlib import Path
from typing import Any

import pytest

from reasonflux.reasoning.methods import METHODS
from reasonflux.reasoning.methods.settings import require_prompts
from reasonflux.reasoning.prompt_set import PromptSet, shipped_sets
from reasonflux.records import Problem, Step, ThoughtTemplate

GOLDEN = Path(__file__).parent / "golden"
TEMPLATE = ThoughtTemplate(
    id="t",
    name="Completing the square",
    type="method",
    original_type="Methods",
    tags=("quadratic", "extremum"),
    description="Turns a quadratic into a square and a constant.",
    scenarios=("extrema",),
    steps=("Halve the linear coefficient", "Add and subtract its square"),
    example="",
    chapter="Algebra",
    section="Quadratics",
)
STEP = Step(name="Completing the square", written="completing the square", instruction="bring it to a square")
CONTEXT: dict[str, Any] = {
    "problem": Problem(id="p", text="What is the least value of x^2 + 6x?", gold="-9", problem_set="t"),
    "plan": "1. Completing the square: bring it to a square\n2. Extremum of a square: read the least value off",
    "templates": [TEMPLATE],
    "template": TEMPLATE,
    "number": 2,
    "step": STEP,
    "instruction": "Extremum of a square: read the least value off",
    "history": [(STEP, "x^2 + 6x = (x + 3)^2 - 9")],
    "result": "x^2 + 6x = (x + 3)^2 - 9",
}
RENDERED = [(name, prompt) for name in shipped_sets() for prompt in PromptSet.load(name).sources]


@pytest.mark.parametrize(("name", "prompt"), RENDERED)
def test_i1_to_i7_and_v1_each_prompt_renders_as_written_down(name: str, prompt: str) -> None:
    (message,) = PromptSet.load(name).render(prompt, **CONTEXT)
    path = GOLDEN / f"{name}-{prompt}.txt"
    if os.environ.get("REASONFLUX_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(message.content + "\n", encoding="utf-8")
    assert message.content + "\n" == path.read_text(encoding="utf-8")


def test_no_golden_text_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {f"{name}-{prompt}" for name, prompt in RENDERED}


@pytest.mark.parametrize(("name", "prompt"), RENDERED)
def test_no_prompt_shows_the_gold_answer(name: str, prompt: str) -> None:
    (message,) = PromptSet.load(name).render(prompt, **CONTEXT | {"problem": Problem(
        id="p", text="x", gold="THE GOLD", problem_set="t")})  # fmt: skip
    assert "THE GOLD" not in message.content


def test_i1_the_plan_is_asked_for_with_a_think_part_and_six_fields() -> None:
    text = PromptSet.load("v1").sources["navigator"]
    fields = ("problem", "general_knowledge_category", "specific_direction", "applied_method", "examined_knowledge")
    assert "<think>" in text
    assert all(f'"{field}"' in text for field in (*fields, "reason_flow"))


def test_i2_the_adjusted_flow_is_to_hold_no_numbers_and_one_instruction_a_step() -> None:
    text = PromptSet.load("v1").sources["adjust"]
    for rule in ("consolidate", "abstract", "formalise", "preserve gaps", "no numbers", "one instruction"):
        assert rule in text


@pytest.mark.parametrize("method", METHODS)
def test_each_method_finds_its_prompts_in_the_set_of_its_generation(method: str) -> None:
    for name in ("plain", "v1") if method == "interplay" else ("plain", "v1", "v2"):
        require_prompts(METHODS[method](), PromptSet.load(name))
