"""Prompts come from files, are digested as one set, and never execute what stands in a problem."""

import pickle
from pathlib import Path
from typing import Any

import pytest

from reasonflux.errors import BadInput
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Problem, ThoughtTemplate

PROBLEM = Problem(id="p", text="What is 2 + 3?", gold="5", problem_set="t")
TEMPLATE = ThoughtTemplate(
    id="t",
    name="Total of two parts",
    type="arithmetic",
    original_type="Arithmetic",
    tags=("sum", "parts"),
    description="d",
    scenarios=("s",),
    steps=("add",),
    example="",
    chapter="c",
    section="s",
)
CONTEXTS: dict[str, dict[str, Any]] = {
    "direct": {"problem": PROBLEM},
    "navigator": {"problem": PROBLEM},
    "reasoner": {"problem": PROBLEM, "plan": "1. Total of two parts"},
    "step": {"problem": PROBLEM, "plan": "1. Total of two parts"},
    "evaluate": {"problem": PROBLEM, "plan": "1. Total of two parts", "result": "1. 2+3=5"},
    "structure": {"template": TEMPLATE},
}


def written(directory: Path, **sources: str) -> Path:
    directory.mkdir(exist_ok=True)
    for name, source in sources.items():
        (directory / f"{name}.jinja").write_text(source, encoding="utf-8")
    return directory


def test_every_shipped_prompt_renders_to_one_user_message() -> None:
    prompts = PromptSet.load()
    assert set(prompts.sources) == set(CONTEXTS)
    for name, context in CONTEXTS.items():
        (message,) = prompts.render(name, **context)
        assert message.role == "user"
        assert message.content == message.content.strip() != ""
        assert "{{" not in message.content


def test_rollouts_of_one_plan_share_the_prefix_up_to_the_problem() -> None:
    prompts = PromptSet.load()
    other = Problem(id="q", text="How many?", gold="1", problem_set="t")
    (one,) = prompts.render("reasoner", problem=PROBLEM, plan="PLAN")
    (two,) = prompts.render("reasoner", problem=other, plan="PLAN")
    before = one.content.removesuffix(PROBLEM.text)
    assert "PLAN" in before
    assert two.content == before + other.text


def test_a_problem_that_looks_like_a_prompt_is_text() -> None:
    problem = Problem(id="p", text="{{ 7 * 7 }} {% for %}", gold="", problem_set="t")
    (message,) = PromptSet.load().render("direct", problem=problem)
    assert "{{ 7 * 7 }} {% for %}" in message.content


@pytest.mark.parametrize("source", ["{{ ''.__class__.__mro__ }}", "{{ problem.__init__.__globals__ }}", "{{ other }}"])
def test_a_prompt_reaches_nothing_but_what_it_was_given(source: str) -> None:
    with pytest.raises(BadInput, match=r"x\.jinja cannot be rendered"):
        PromptSet({"x": source}).render("x", problem=PROBLEM)


def test_an_unknown_prompt_names_those_there_are() -> None:
    with pytest.raises(BadInput, match=r"no planner\.jinja.*direct, evaluate, navigator"):
        PromptSet.load().render("planner")


def test_the_digest_is_of_the_sources_alone(tmp_path: Path) -> None:
    one = PromptSet.load(written(tmp_path / "one", a="x {{ y }}", b="z"))
    same = PromptSet.load(written(tmp_path / "same", b="z", a="x {{ y }}"))
    other = PromptSet.load(written(tmp_path / "other", a="x {{ y }} ", b="z"))
    assert one.digest == same.digest == pickle.loads(pickle.dumps(one)).digest
    assert one.digest != other.digest


def test_a_directory_without_a_good_prompt_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no prompt"):
        PromptSet.load(tmp_path)
    with pytest.raises(BadInput, match=r"broken\.jinja does not parse"):
        PromptSet.load(written(tmp_path, broken="{% if %}"))


def test_the_digest_of_the_prompts_in_use_ignores_those_that_are_not() -> None:
    prompts = PromptSet({"a": "x", "b": "y"})
    assert prompts.only("a").digest == PromptSet({"a": "x", "b": "z"}).only("a").digest != prompts.digest
    with pytest.raises(BadInput, match=r"no c\.jinja"):
        prompts.only("a", "c")


def test_a_step_of_the_plain_set_is_asked_for_as_a_rollout_of_the_plan_so_far() -> None:
    """Models that were taught to carry plans out carry out the start of one: the testbed's reasoner is one of them."""
    sources = PromptSet.load("plain").sources
    assert sources["step"] == sources["reasoner"]
