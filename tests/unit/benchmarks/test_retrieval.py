"""The retrieval benchmark asks what it says it asks, and reckons what it says it reckons."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.retrieval.__main__ import Remembering, arms
from benchmarks.retrieval.figures import auc, figures, first_hits, ratio
from benchmarks.retrieval.queries import SUBJECTS, Query, example_queries, subject_queries
from reasonflux.library.load import TemplateLibrary, library_of, load_library
from reasonflux.storage.store import Store
from tests.unit.library.embeds import WordsEmbed


@pytest.fixture
def library(shared_data: Callable[[str], Path]) -> TemplateLibrary:
    return load_library(str(shared_data("data/reasonflux/template_library.json")))


def test_r1_r5_queries_are_examples_without_their_templates_name(library: TemplateLibrary) -> None:
    queries = example_queries(library)
    assert len(queries) == 373
    for query in queries:
        names = {library.templates[row].name.lower() for row in query.rows}
        assert len(names) == 1 and names.pop() not in query.text.lower()


def test_every_chapter_of_a_subject_is_one_of_the_library(
    library: TemplateLibrary, shared_data: Callable[[str], Path]
) -> None:
    chapters = {template.chapter for template in library.templates}
    words = {word for subject in SUBJECTS.values() for word in subject}
    assert [word for word in words if not any(word in chapter for chapter in chapters)] == []
    queries = subject_queries(library, shared_data("data/math500.jsonl"))
    assert (len(queries), sum(not query.rows for query in queries)) == (500, 144)
    assert {query.subject for query in queries if not query.rows} == {"Number Theory", "Prealgebra"}


def test_recall_and_its_ratio() -> None:
    queries = [Query(text=text, rows=frozenset({1, 2})) for text in "abcd"]
    answers = {"a": [1, 2], "b": [0, 2], "c": [3, 4, 5, 1], "d": [0]}
    hits = first_hits(lambda text: answers[text], queries)
    assert list(hits) == [1, 2, 4, np.inf]
    assert [value[0] for value in figures(hits).values()] == [0.25, 0.5, 0.75, (1 + 0.5 + 0.25) / 4]
    assert ratio(np.array([1.0] * 40), np.array([1.0, 9] * 20))[0] == 2


def test_auc() -> None:
    assert (auc([2, 3], [0, 1]), auc([1], [1]), auc([0], [1, 2])) == (1, 0.5, 0)


def test_every_arm_ranks_and_a_query_is_embedded_once(library: TemplateLibrary, tmp_path: Path) -> None:
    few, model = library_of(library.templates[::10], source="a tenth"), WordsEmbed()
    queries = example_queries(few)[:5]
    embed = Remembering(model, [query.text for query in queries])
    compared = arms(few, embed, Store.at(tmp_path))
    assert len(first_hits(compared["fused"], queries)) == 5
    read = model.asked
    for name, rank in compared.items():
        assert 0 < len(rank(queries[0].text)) <= 50, name
    assert model.asked == read
