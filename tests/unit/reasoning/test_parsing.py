"""Plans are read in every style in which models write them."""

import pytest

from reasonflux.reasoning.parsing import WrittenStep, parse_plan

AB = (WrittenStep(name="A"), WrittenStep(name="B"))
AXBY = (WrittenStep(name="A", instruction="x"), WrittenStep(name="B", instruction="y"))


def free(text: str) -> list[str]:
    steps = parse_plan(text, "free")
    assert not any(step.name for step in steps)
    return [step.instruction for step in steps]


@pytest.mark.parametrize(
    "text",
    [
        "1. A\n2. B",
        "1) A\n2) B",
        "(1) A\n(2) B",
        "[1] A\n[2] B",
        "1: A\n2: B",
        "1 - A\n2 – B",
        "1.A\n2.B",
        "① A\n② B",
        "Step 1: A\nStep 2: B",
        "Step 1. A\n\nStep 2. B\n",
        "Schritt 1 — A\nSchritt 2 — B",
        "第1步：A\n第2步：B",
        "1단계: A\n2단계: B",
        "- A\n- B",
        "* A\n* B",
        "• A\n\n• B",
        "**1. A**\n**2. B**",
        "**1.** A\n**2.** B",
        "1. **A**\n2. **B**:",
        "- **Step 1: A**\n- **Step 2: B**",
        "**Step 1** A\n**Step 2** B",
        "## A\n## B",
        "### Step 1 ‑ A\n### Step 2 ‑ B",
        "#### 1. A\n\n#### 2. B",
        '1. "A"\n2. `B`',
        "01. A\n02. B",
        "1. A\r\n2. B\r\n",
        " 1. A\n2. B",
        "  1. A\n  2. B",
        "Plan 1:\n1. A\n2. B",
        "# Plan\n\nHere it is:\n\n1. A\n2. B\n\nThis solves the problem.",
        "1. A\n2. B\n\n## Remarks\nNone.",
        "```\n1. A\n2. B\n```",
        "<think>1. No\n2. No</think>\n1. A\n2. B",
        "so 1. No\n</think>1. A\n2. B",
        "1. A\n2. B\n<think>or else",
        '{"steps": [{"template": "A"}, {"template": "B"}]}',
        '{"plan": ["A", "B"]}',
        '["1. A", "2. B"]',
        'Here: ```json\n{"steps": ["A", "B"]}\n``` Done.',
        'The plan is {"steps": [{"name": "A"}, {"name": "B"}]} as asked.',
    ],
)
def test_two_steps_without_instructions(text: str) -> None:
    assert parse_plan(text, "templates") == AB


@pytest.mark.parametrize(
    "text",
    [
        "1. A: x\n2. B: y",
        "1. A - x\n2. B — y",
        "1. **A** x\n2. **B:** y",
        "**1. A**: x\n**2. B** - y",
        "1. A\n   x\n2. B\n   y",
        "### Step 1: A\nx\n\n### Step 2: B\n\ny",
        "Step 1: A\n\nx\n\nStep 2: B\n\ny",
        "1、A：x\n2、B：y",
        '{"steps": [{"template": "A", "instruction": "x"}, {"template": "B", "instruction": "y"}]}',
        '{"steps": ["A: x", "B: y"]}',
    ],
)
def test_two_steps_with_instructions(text: str) -> None:
    assert parse_plan(text, "templates") == AXBY


def test_nested_lists_belong_to_their_step() -> None:
    text = "1. A\n   - x\n   - y\n2. B\n   1. z"
    assert [step.instruction for step in parse_plan(text, "templates")] == ["- x - y", "z"]
    sections = "Step 1: A\n1. x\n2. y\nStep 2: B\n1. z"
    assert [step.instruction for step in parse_plan(sections, "templates")] == ["x y", "z"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        "I do not know.",
        r"The answer is \boxed{3.5}",
        "<think>1. A",
        "## Plan",
        "1.\n2.",
        "{",
        "[]",
        "3.5 m",
    ],
)
def test_what_is_no_plan_has_no_steps(text: str) -> None:
    assert parse_plan(text, "templates") == ()


def test_json_keeps_latex_whatever_its_escapes() -> None:
    spelled = (
        r'{"steps": [{"template": "A", "instruction": "\frac{1}{2} \times \alpha \\beta \underline{x} \neq \rho"}]}'
    )
    (step,) = parse_plan(spelled, "templates")
    assert step.instruction == r"\frac{1}{2} \times \alpha \beta \underline{x} \neq \rho"


def test_half_a_character_in_json_can_be_written_as_utf8() -> None:
    (step,) = parse_plan(r'{"steps": ["A \ud800"]}', "templates")
    assert step.name.encode() == b"A ?"


@pytest.mark.parametrize(
    "heading",
    [
        "**3. High-Level Solution Strategy**",
        "**3. High‑Level Solution Strategy:**",
        "### 3 – High–level solution strategy",
        "## High-Level Solution Strategy",
        "3. High-Level Solution Strategy:",
        "Part 3: **Solution Strategy**",
        "# 3. 高层解题策略",
        "**전략**",
        "## 3. What to do",  # no word of it is known: the third section
    ],
)
def test_v2_the_strategy_is_found_behind_any_heading(heading: str) -> None:
    before = "**1. Problem Abstraction**\nA linear equation.\n\n**2. Special Conditions**\n- x > 0\n\n"
    if heading.startswith("#"):
        before = before.replace("**1", "## 1").replace("**2", "## 2").replace("**\n", "\n")
    assert free(f"{before}{heading}\n\n1. Collect x.\n   - on the left\n2. Divide.\n\nThen check.") == [
        "Collect x. - on the left",
        "Divide.",
        "Then check.",
    ]


def test_a_strategy_behind_its_heading_on_the_same_line_is_whole() -> None:
    assert free("2. **Conditions:** none\n3. **Strategy:** Use symmetry.\n- a\n- b") == ["Use symmetry.", "a", "b"]


def test_a_title_that_says_strategy_is_not_the_strategy() -> None:
    assert free("# Strategy proposal\n## Abstraction\nx\n## Strategy\n1. a\n2. b") == ["a", "b"]


def test_free_text_without_sections_is_strategy_throughout() -> None:
    assert free("Set up the\nequation.\n\nSolve it.") == ["Set up the equation.", "Solve it."]
    assert free("First this:\n\n1. a\n2. b\n\nDone.") == ["First this:", "a", "b", "Done."]
    assert free('{"steps": [{"name": "Set up", "instruction": "x = 1"}, "Solve: it"]}') == [
        "Set up: x = 1",
        "Solve: it",
    ]
