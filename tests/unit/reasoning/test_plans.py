"""Equal plans have one canonical text, however they were written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from reasonflux.library.load import load_library
from reasonflux.library.resolve import Resolver
from reasonflux.reasoning.parsing import parse_plan
from reasonflux.reasoning.plans import plan_text, resolve_step
from reasonflux.records import Step
from tests.unit.reasoning.builders import library

RESOLVER = Resolver(library("Complete the square", "Quadratic formula", "Proof: by parity"))


def canonical(text: str, plan_format: str = "templates") -> str:
    return plan_text([resolve_step(step, RESOLVER)[0] for step in parse_plan(text, plan_format)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "1. Complete the square\n2. Quadratic formula: take the larger root",
        "1) complete the  square\n\n2) Quadratic Formula — take the larger root\n\nThat is all.",
        "- **Complete the square**\n- **Quadratic formula** take the\n  larger root",
        '{"steps": ["Complete the square", {"template": "quadratic-formula", "instruction": "take the larger root"}]}',
    ],
)
def test_the_style_of_writing_does_not_matter(text: str) -> None:
    assert canonical(text) == "1. Complete the square\n2. Quadratic formula: take the larger root"


def test_another_order_or_instruction_is_another_plan() -> None:
    plans = ["1. Complete the square\n2. Quadratic formula", "1. Quadratic formula\n2. Complete the square"]
    plans.append("1. Complete the square: now\n2. Quadratic formula")
    assert len(set(map(canonical, plans))) == 3


def test_a_canonical_text_is_its_own_canonical_text() -> None:
    for text in [
        "1. Complete the square: a - b: c\n2. Quadratic formula",
        "1. Proof: by parity\n2. Complete the square",
    ]:
        assert canonical(text) == text
    free = "1. Set up: x - 1\n2. Solve"
    assert canonical(free, "free") == free


def test_a_name_that_holds_a_colon_is_found_whole() -> None:
    (written,) = parse_plan("1. proof: by parity", "templates")
    step, exact = resolve_step(written, RESOLVER)
    assert exact
    assert step == Step(name="Proof: by parity", written="Proof: by parity", template_id="id of Proof: by parity")


def test_a_free_step_is_bound_to_no_template() -> None:
    (written,) = parse_plan("Complete the square", "free")
    assert resolve_step(written, RESOLVER) == (Step(name="", written="", instruction="Complete the square"), False)


def test_every_published_name_survives_being_listed(shared_data: Callable[[str], Path]) -> None:
    published = load_library(str(shared_data("data/reasonflux/template_library.json")))
    resolver = Resolver(published)
    names = list(published.by_name)
    written = parse_plan(
        "\n".join(f"{number % 999}. {name}" for number, name in enumerate(names, start=1)), "templates"
    )
    assert [resolve_step(step, resolver)[0].name for step in written] == names
