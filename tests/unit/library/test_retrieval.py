"""Fused retrieval: every template competes, names and tags count, nothing fits where nothing fits."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from reasonflux.config import RetrievalConfig
from reasonflux.errors import BadInput
from reasonflux.library.confidence import Confidence, Scored, fit_confidence
from reasonflux.library.embedding import load_embedder
from reasonflux.library.examples import example_problem
from reasonflux.library.lexical import LexicalIndex
from reasonflux.library.load import library_of
from reasonflux.library.published_retrieval import PublishedRetrieval
from reasonflux.library.retrieval import FusedRetrieval, best, open_retrieval
from tests.unit.library.builders import template
from tests.unit.library.embeds import WordsEmbed

CONFIG = RetrievalConfig(model="none")
LIBRARY = library_of(
    [
        template("Baking bread", tags=("oven", "yeast"), description="Let the dough rise.", chapter="Kitchen"),
        template(
            "Baking bread", tags=("clay", "kiln"), description="A glaze that looks like crust.", chapter="Pottery"
        ),
        template("Pruning roses", tags=("garden",), description="Cut above an outward bud.", chapter="Garden"),
    ],
    source="here",
)


async def test_r2_a_tag_decides_between_two_of_one_name_and_both_are_found() -> None:
    retrieve = FusedRetrieval(LIBRARY, WordsEmbed(), CONFIG)
    found = await retrieve("baking bread in a kiln of clay", 2)
    assert [one.chapter for one, _ in found] == ["Pottery", "Kitchen"]
    assert found[0][1] > found[1][1]


async def test_r3_each_step_of_a_plan_finds_its_own_template() -> None:
    retrieve = FusedRetrieval(LIBRARY, WordsEmbed(), CONFIG)
    found = [
        (await retrieve(step, 1))[0][0].chapter for step in ("Let the dough rise in the oven", "pruning the garden")
    ]
    assert found == ["Kitchen", "Garden"]


async def test_r5_as_many_templates_as_are_asked_for_and_never_more_than_fit() -> None:
    assert len(await FusedRetrieval(LIBRARY, WordsEmbed(), CONFIG)("bread", 5)) == 3
    sure = CONFIG.model_copy(update={"least_confidence": 0.5})
    retrieve = FusedRetrieval(LIBRARY, WordsEmbed(), sure)
    retrieve.confidence = Confidence(bar=0.25)
    assert await retrieve("integrate by parts", 5) == []
    found = await retrieve("Pruning roses. garden. Cut above an outward bud.", 5)
    assert [one.chapter for one, _ in found] == ["Garden"]


@pytest.mark.parametrize("query", ["", "123 + 4", "\x00", "x" * 100_000])
async def test_any_query_is_answered(query: str) -> None:
    found = await FusedRetrieval(LIBRARY, WordsEmbed(), CONFIG)(query, 2)
    assert len(found) == 2 and all(0 <= chance <= 1 for _, chance in found)


def test_lexical_scores_are_shares_that_can_be_compared() -> None:
    index = LexicalIndex(["completing the square", "completing the circle", "roses"])
    scores = index.scores("Completed squares")
    assert scores[0] > scores[1] > scores[2] == 0
    assert (index.scores("completing the square" * 9) <= 1).all()
    assert not index.scores("17").any() and not LexicalIndex([""]).scores("word").any()


def test_best_takes_the_first_of_equals() -> None:
    scores = np.array([1, 3, 3, 2, 3], dtype=np.float32)
    assert best(scores, 2) == [1, 2] and best(scores, 9) == [1, 2, 4, 3, 0] and best(scores, 0) == []


def test_a_fitted_confidence_is_the_share_that_fits() -> None:
    """Queries drawn from a known softmax give it back, and chances are those of the draws."""
    random, truth = np.random.default_rng(0), Confidence(sharpness=10, bar=0.5)
    queries: list[Scored] = []
    while len(queries) < 2000:
        scores = random.uniform(0, 1, 20)
        answer = int(random.choice(20, p=truth.chances(scores) / truth.chances(scores).sum()))
        queries.append(Scored(scores=scores, fits=np.arange(20) == answer))
    assert fit_confidence(queries).sharpness == pytest.approx(10, rel=0.1)
    assert fit_confidence(queries[:10]) == Confidence()
    assert Confidence().chances(np.array([1e9, -1e9])) == pytest.approx([1, 0])
    assert Confidence().chances(np.array([])).shape == (0,)


def test_a_query_that_nothing_answers_has_no_confident_template() -> None:
    near, far = Confidence().chances(np.array([0.7, 0.2])), Confidence().chances(np.array([0.2, 0.19]))
    assert near[0] > 0.9 > 0.1 > far.sum()


@pytest.mark.parametrize(
    ("example", "problem"),
    [
        ("Example 3(1): Find the sum of all odd terms.\\n\\nSolution:\\n1. Add.", "Find the sum of all odd terms."),
        ("problem: Find the sum of all odd terms\nsolution steps:\nAdd", "Find the sum of all odd terms"),
        ("Use the Odd Sum Rule to find the total.\nStep 1: add", "Use the to find the total."),
        ("Analysis: 1. Add all the odd terms.", ""),
        ("Find the sum of all odd terms, which is then four.", ""),
        ("", ""),
    ],
)
def test_an_examples_problem_is_told_from_its_solution_and_the_name_is_left_out(example: str, problem: str) -> None:
    shown = template("Odd Sum Rule")
    object.__setattr__(shown, "example", example)
    assert example_problem(shown) == problem


def test_the_config_names_the_algorithm() -> None:
    published = CONFIG.model_copy(update={"algorithm": "published"})
    assert isinstance(open_retrieval(LIBRARY, published, WordsEmbed()), PublishedRetrieval)
    assert isinstance(open_retrieval(LIBRARY, CONFIG, WordsEmbed()), FusedRetrieval)
    with pytest.raises(BadInput, match="no embedding model is named"):
        open_retrieval(LIBRARY, RetrievalConfig())


async def test_queries_are_read_by_the_model_where_that_is_wanted() -> None:
    embed = WordsEmbed()
    retrieve = open_retrieval(LIBRARY, CONFIG.model_copy(update={"queries": "model"}), embed)
    asked = embed.asked
    assert [one.chapter for one, _ in await retrieve("pruning the garden", 1)] == ["Garden"]
    assert embed.asked == asked + 1


async def test_words_alone_need_no_model() -> None:
    retrieve = open_retrieval(LIBRARY, RetrievalConfig(algorithm="lexical"))
    assert [one.chapter for one, _ in await retrieve("bread in a kiln of clay", 1)] == ["Pottery"]


def test_the_digest_of_a_retrieval_is_over_all_that_decides_what_it_finds(tmp_path: Path) -> None:
    smaller, retrained = library_of(LIBRARY.templates[:2], source="here"), WordsEmbed("retrained")
    heavier = CONFIG.model_copy(update={"lexical_weight": 0.4})
    elsewhere = CONFIG.model_copy(update={"cache": str(tmp_path)})
    others = [
        open_retrieval(smaller, CONFIG, WordsEmbed()),
        open_retrieval(LIBRARY, CONFIG, retrained),
        open_retrieval(LIBRARY, heavier, WordsEmbed()),
        open_retrieval(LIBRARY, CONFIG.model_copy(update={"algorithm": "published"}), WordsEmbed()),
        open_retrieval(LIBRARY, CONFIG, WordsEmbed()),
    ]
    assert len({one.digest for one in others}) == len(others)
    assert open_retrieval(LIBRARY, elsewhere, WordsEmbed()).digest == others[-1].digest


def test_a_retrieval_can_be_shipped() -> None:
    retrieve = FusedRetrieval(LIBRARY, WordsEmbed(), CONFIG)
    assert pickle.loads(pickle.dumps(retrieve)).search("bread", 2) == retrieve.search("bread", 2)


@pytest.mark.parametrize("model", ["package:no_such_package", "package:json", ""])
def test_a_model_that_is_not_there_is_refused(model: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"model|modules"):
        load_embedder(model or str(tmp_path))
