"""The library loads whole: no template lost, no spelling unknown, every error with its place."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reasonflux.errors import BadInput
from reasonflux.library.entries import TemplateType, template_type
from reasonflux.library.load import load_library

TEMPLATE = {
    "template_name": "Completing the square",
    "template_type": "Solving Method",
    "knowledge_tag": ["quadratics"],
    "description": "Write a quadratic as a square and a constant.",
    "application_scenario": "Quadratics without a rational root",
    "reason_flow": ["Halve the linear coefficient", "", "Add and subtract its square"],
    "example_application": "x^2 + 2x = (x + 1)^2 - 1",
}


def save(path: Path, *templates: Any, **around: Any) -> str:
    chapters = {"Algebra": {"Quadratics": list(templates)}}
    path.write_text(json.dumps({**around, "chapters": chapters} if around else chapters), encoding="utf-8")
    return str(path)


def test_l1_the_published_file_loads_whole(shared_data: Callable[[str], Path]) -> None:
    library = load_library(str(shared_data("data/reasonflux/template_library.json")))
    assert len(library.templates) == len(library.by_id) == 420
    assert len({template.chapter for template in library.templates}) == 18
    assert len({(template.chapter, template.section) for template in library.templates}) == 76
    assert len({tag for template in library.templates for tag in template.tags}) == 922
    doubles = [templates for templates in library.by_name.values() if len(templates) > 1]
    assert len(doubles) == 7
    assert all(one.description != other.description for one, other in doubles)
    assert len({template.original_type for template in library.templates}) == 29
    assert {template.type for template in library.templates} == set(TemplateType) - {TemplateType.OTHER}
    assert {len(template.steps) for template in library.templates} == {*range(2, 14), 15, 16, 21}


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("Problem-Solving Methods", "method"),
        ("Solution Method", "method"),
        ("Important Formulas and Theorems", "formula"),
        ("Important Formula, Law", "formula"),
        ("Theorem of Properties", "property"),
        ("Second-level Conclusion", "conclusion"),
        ("Knowledge application", "application"),
        ("Trick", "other"),
    ],
)
def test_l3_spellings_come_down_to_a_closed_set(spelling: str, expected: str) -> None:
    assert template_type(spelling) == expected


def test_l2_fields_of_both_shapes(tmp_path: Path) -> None:
    example = {"problem": "Solve it", "solution_steps": ["a", {"check": 1}], "answer": 7}
    lists = TEMPLATE | {"template_name": "B", "application_scenario": ["s", "t"], "example_application": example}
    one, other = load_library(save(tmp_path / "library.json", TEMPLATE, lists)).templates
    assert (one.scenarios, other.scenarios) == (("Quadratics without a rational root",), ("s", "t"))
    assert one.steps == ("Halve the linear coefficient", "Add and subtract its square")
    assert one.example == "x^2 + 2x = (x + 1)^2 - 1"
    assert other.example == "problem: Solve it\nsolution steps:\na\ncheck: 1\nanswer: 7"
    assert (one.type, one.original_type, one.chapter, one.section) == (
        "method",
        "Solving Method",
        "Algebra",
        "Quadratics",
    )


def test_l4_double_names_stay_apart(tmp_path: Path) -> None:
    library = load_library(save(tmp_path / "library.json", TEMPLATE, TEMPLATE | {"description": "Another."}))
    assert [template.description for template in library.by_name["Completing the square"]][1] == "Another."
    assert len(library.by_id) == 2


def test_l5_templates_are_found_by_tag_whatever_its_case(tmp_path: Path, shared_data: Callable[[str], Path]) -> None:
    other = TEMPLATE | {"template_name": "B", "knowledge_tag": ["Quadratics", "roots"]}
    library = load_library(save(tmp_path / "library.json", TEMPLATE, other))
    assert [template.name for template in library.by_tag["quadratics"]] == ["Completing the square", "B"]
    assert library.by_tag.keys() == {"quadratics", "roots"}
    published = load_library(str(shared_data("data/reasonflux/template_library.json")))
    assert {tag.casefold() for template in published.templates for tag in template.tags} == published.by_tag.keys()
    assert sum(map(len, published.by_tag.values())) >= len(published.templates)


def test_ids_and_digest_follow_content_and_the_version_is_stated_or_derived(tmp_path: Path) -> None:
    plain = load_library(save(tmp_path / "a.json", TEMPLATE))
    stated = load_library(save(tmp_path / "b.json", TEMPLATE, version="2.1"))
    changed = load_library(save(tmp_path / "c.json", TEMPLATE | {"description": "Another."}))
    assert plain.digest == stated.digest != changed.digest
    assert plain.templates == stated.templates
    assert (plain.version, stated.version) == (plain.digest[:12], "2.1")
    assert load_library(str(tmp_path / "b.json"), version="2.1") == stated


def test_another_version_than_asked_for_is_refused_with_both(tmp_path: Path) -> None:
    path = save(tmp_path / "library.json", TEMPLATE, version="2.1")
    with pytest.raises(BadInput, match=r"unknown template library version 3: .* is version 2\.1"):
        load_library(path, version="3")


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in TEMPLATE.items() if name != field}


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (without("reason_flow"), "template 2 has no reason_flow"),
        (TEMPLATE | {"reason_flow": ["", " "]}, "template 2 has nothing in reason_flow"),
        (TEMPLATE | {"reason_flow": [1]}, "template 2 needs text or a list of texts in reason_flow"),
        (TEMPLATE | {"template_name": " "}, "template 2 needs text in template_name"),
        (TEMPLATE | {"knowledge_tag": None}, "template 2 has no knowledge_tag"),
        ("text", "template 2 is not an object"),
        (TEMPLATE, "holds 'Completing the square' twice with the same content"),
    ],
)
def test_errors_name_the_place(tmp_path: Path, template: Any, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        load_library(save(tmp_path / "library.json", TEMPLATE, template))
    assert "chapter 'Algebra', section 'Quadratics'" in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not a library in JSON"),
        ("[]", "is not an object of chapters"),
        ("{}", "holds no template"),
        ('{"A": []}', "chapter 'A' is not an object"),
        ('{"A": {"B": {}}}', "section 'B' is not a list of templates"),
        ('{"A": {"B": [], "B": []}}', "the key 'B' stands twice"),
        ("[" * 100_000, "is not a library in JSON"),
    ],
)
def test_a_file_that_is_no_library_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "library.json").write_text(content, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        load_library(str(tmp_path / "library.json"))
    assert message in str(caught.value)


def test_a_missing_file_is_refused() -> None:
    with pytest.raises(BadInput, match=r"there is no nowhere\.json\. Check library"):
        load_library("nowhere.json")


def test_a_library_can_be_shipped(tmp_path: Path) -> None:
    library = load_library(save(tmp_path / "library.json", TEMPLATE))
    assert len(library.by_id) == 1  # fills the cache that is shipped too
    assert pickle.loads(pickle.dumps(library)) == library
