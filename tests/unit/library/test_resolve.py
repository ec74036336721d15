"""Written names find their template; what the library holds is told from what is merely close."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from reasonflux.library.load import TemplateLibrary, load_library
from reasonflux.library.resolve import Resolver
from reasonflux.records import ThoughtTemplate


def template(name: str, content: str = "") -> ThoughtTemplate:
    return ThoughtTemplate(
        id=f"{name} {content}",
        name=name,
        type="method",
        original_type="Method",
        tags=(),
        description=content,
        scenarios=(),
        steps=("s",),
        example="",
        chapter="c",
        section="s",
    )


def library(*names: str) -> TemplateLibrary:
    return TemplateLibrary(source="", version="", digest="", templates=tuple(map(template, names)))


LIBRARY = library("Quadratic formula", "Vieta: sum of roots", "Difference-of-squares", "配方法")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Quadratic formula", "Quadratic formula"),
        ("  quadratic   FORMULA. ", "Quadratic formula"),
        ("Vieta - Sum of roots", "Vieta: sum of roots"),
        ("difference_of_squares", "Difference-of-squares"),
        ("配方法", "配方法"),
    ],
)
def test_case_blanks_and_punctuation_do_not_matter(written: str, name: str) -> None:
    found, exact = Resolver(LIBRARY).resolve(written)
    assert found is not None
    assert (found.name, exact) == (name, True)


@pytest.mark.parametrize(
    ("written", "name"),
    [("Quadratc formulae", "Quadratic formula"), ("difference of two squares", "Difference-of-squares")],
)
def test_a_name_that_is_close_is_resolved_but_not_in_the_library(written: str, name: str) -> None:
    found, exact = Resolver(LIBRARY).resolve(written)
    assert found is not None
    assert (found.name, exact) == (name, False)


def test_names_without_letters_and_names_too_far_resolve_to_nothing() -> None:
    assert Resolver(LIBRARY).resolve(" -- ") == (None, False)
    strict = Resolver(LIBRARY, least_similarity=0.8)
    assert strict.resolve("bake a cake") == (None, False)
    assert strict.resolve("quadratic formul")[0] is not None
    assert Resolver(LIBRARY).resolve("bake a cake")[0] is not None


def test_of_two_with_one_name_the_first_is_taken() -> None:
    twins = TemplateLibrary(source="", version="", digest="", templates=(template("A", "1"), template("A", "2")))
    assert Resolver(twins).resolve("a") == (twins.templates[0], True)


def test_a_resolver_answers_alike_again_and_after_it_was_shipped() -> None:
    resolver = Resolver(LIBRARY)
    written = ["Quadratc formula", "Vieta", "x" * 100_000, "Quadratc formula"]
    first = [resolver.resolve(name) for name in written]
    shipped = pickle.loads(pickle.dumps(resolver))
    assert [resolver.resolve(name) for name in written] == first == [shipped.resolve(name) for name in written]


def test_names_that_differ_in_case_alone_are_both_found() -> None:
    resolver = Resolver(library("Two-Point rule", "Two-point rule"))
    assert [found.name for found, _ in map(resolver.resolve, ["Two-point rule", "Two-Point rule"]) if found] == [
        "Two-point rule",
        "Two-Point rule",
    ]


def test_every_name_of_the_published_library_stands_in_it(shared_data: Callable[[str], Path]) -> None:
    published = load_library(str(shared_data("data/reasonflux/template_library.json")))
    resolver = Resolver(published)
    assert {resolver.resolve(name.upper())[1] for name in published.by_name} == {True}
    found = [resolver.resolve(name)[0] for name in published.by_name]
    assert [template.name for template in found if template] == [*published.by_name]
