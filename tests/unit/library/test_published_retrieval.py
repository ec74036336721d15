"""R1: chapter, then two sections, then the best name in each; 0.9 · method + 0.1 · section."""

import pytest

from reasonflux.library.load import library_of
from reasonflux.library.published_retrieval import PublishedRetrieval
from tests.unit.library.builders import template
from tests.unit.library.embeds import WordsEmbed

LIBRARY = library_of(
    [
        template("vertex form", chapter="quadratic functions", section="graphs of parabolas"),
        template("axis of symmetry", chapter="quadratic functions", section="graphs of parabolas"),
        template("discriminant", chapter="quadratic functions", section="roots of equations"),
        template("interval method", chapter="quadratic functions", section="inequalities"),
        template("product rule", chapter="probability", section="independent events"),
    ],
    source="here",
)


def test_r1_the_best_of_two_sections_of_the_best_chapter() -> None:
    embed = WordsEmbed()
    matches = PublishedRetrieval(LIBRARY, embed).match("quadratic functions", "graphs of roots", "vertex form")
    assert {match.section for match in matches} == {"graphs of parabolas", "roots of equations"}
    assert matches[0].template.name == "vertex form"
    section, method = embed(["graphs of parabolas", "vertex form"])
    queries = embed(["graphs of roots", "vertex form"])
    assert matches[0].confidence == pytest.approx(0.9 * method @ queries[1] + 0.1 * section @ queries[0])
    assert matches[0].chapter == "quadratic functions"


def test_r1_nothing_recovers_from_a_wrong_chapter() -> None:
    matches = PublishedRetrieval(LIBRARY, WordsEmbed()).match("probability", "graphs of parabolas", "vertex form")
    assert [match.template.name for match in matches] == ["product rule"]


async def test_r1_as_a_retrieve_at_most_two_are_returned() -> None:
    retrieve = PublishedRetrieval(LIBRARY, WordsEmbed())
    assert len(await retrieve("quadratic functions", 5)) == 2
    assert len(await retrieve("quadratic functions", 1)) == 1
