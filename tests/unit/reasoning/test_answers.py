import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasonflux.reasoning.answers import MAX_TEXT, boxed_answer, extract_answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{\frac{1}{\sqrt{2}}} follows", r"\frac{1}{\sqrt{2}}"),
        (r"\boxed{25}\boxed{204}", "204"),
        (r"first \boxed{3}, then \boxed{5 without an end", "3"),
        (r"nested \boxed{x = \boxed{7}}", "7"),
        (r"\boxed{\boxed{7}}", "7"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{\left\{ x \right.}", r"\left\{ x \right."),
        (r"\boxed{a \\} and more}", r"a \\"),
        (r"\boxed {6} or \fbox{9}", "9"),
        (r"double escaped \\boxed{5}", "5"),
        (r"stray } and { braces \boxed{1}", "1"),
        (r"\boxed{4} is it. Put answers in \boxed{}.", "4"),
        ("\\boxed{\n12\n}", "12"),
    ],
)
def test_the_last_closed_box_is_the_answer(text: str, answer: str) -> None:
    assert extract_answer(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"<think>\boxed{3}, no: wait</think> It is \boxed{4}.", "4"),
        (r"\boxed{3} opened by the chat template</think> It is \boxed{4}.", "4"),
        (r"<think>\boxed{3}</think> The answer is 4.", "4"),
        (r"<think>\boxed{3}</think> As shown above.", "3"),
        (r"<think>it may be \boxed{3}", "3"),
        (r"<think>the answer is 5. Wait", None),
        (r"<think>a</think><think>the answer is 5.", None),
        (r"<|begin_of_thought|>\boxed{3}<|end_of_thought|> \boxed{4}", "4"),
    ],
)
def test_what_follows_the_thinking_comes_before_what_stands_in_it(text: str, answer: str | None) -> None:
    assert extract_answer(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The final answer is $\\frac{1}{2}$. I hope it is correct.", "\\frac{1}{2}"),
        ("The answer is -3/4", "-3/4"),
        ("Answer: \\(x+1\\)\n", "x+1"),
        ("**Final Answer:** 1,234.", "1,234"),
        ("**Answer: 42**", "42"),
        ("The answer is 1. No, the answer is 50%.", "50%"),
        ("the answer is not 5", None),
        ("The answer is 3 or 5.", None),
        ("The answer is 42 apples and", None),
        ("so x = 5", None),
        ("My answers: none", None),
        ("", None),
    ],
)
def test_without_a_box_only_a_plain_announcement_counts(text: str, answer: str | None) -> None:
    assert extract_answer(text) == answer


@given(st.text(alphabet="ab1{}\\ $", max_size=30), st.text(alphabet="xyz ,.", max_size=30))
def test_any_balanced_content_comes_back_stripped(content: str, after: str) -> None:
    balanced = content.replace("\\", "").replace("{", "(").replace("}", ")")
    expected = balanced.strip() or None
    assert boxed_answer(f"text \\boxed{{{balanced}}}{after}") == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    ["\\", "{", "}", "\\boxed{", "\\boxed     ", "answer is ", "answer: $", "answer is \\[", "answer is 5 ", "<think>"],
)
def test_reading_a_hostile_text_takes_no_longer_than_its_length_warrants(unit: str) -> None:
    started = time.process_time()
    extract_answer(unit * (MAX_TEXT // len(unit)))
    assert time.process_time() - started < 10  # quadratic: hours


def test_only_the_end_of_a_huge_text_is_read() -> None:
    assert extract_answer(r"\boxed{1}" + "x" * MAX_TEXT) is None
    assert extract_answer("x" * 3 * MAX_TEXT + r"\boxed{1}") == "1"
