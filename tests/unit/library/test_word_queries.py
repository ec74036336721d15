"""Queries are sums of words that the model has read, and near to what the model would make of them."""

from pathlib import Path

import numpy as np

from reasonflux.library.load import library_of
from reasonflux.library.word_queries import WordQueries
from reasonflux.storage.store import Store
from tests.unit.library.builders import template
from tests.unit.library.embeds import WordsEmbed

DOCUMENTS = ["let the dough rise", "the glaze of a pot", "cut above the bud", "the rose of the garden"]
LIBRARY = library_of([template("A")], source="here")


def made(embed: WordsEmbed, kept: Store | None = None) -> WordQueries:
    return WordQueries(DOCUMENTS, embed(DOCUMENTS), LIBRARY, embed, kept)


def test_a_query_is_nearest_to_the_documents_of_its_words_and_asks_no_model() -> None:
    embed = WordsEmbed()
    queries = made(embed)
    asked = embed.asked
    nearest = [int(np.argmax(embed(DOCUMENTS) @ queries(text))) for text in ("Dough, risen? rise!", "a BUD", "garden")]
    assert nearest == [0, 2, 3]
    assert embed.asked == asked + 3 * len(DOCUMENTS)  # the documents above, and nothing of the queries


def test_rare_words_decide() -> None:
    queries = made(WordsEmbed())
    assert int(np.argmax(WordsEmbed()(DOCUMENTS) @ queries("the the of the glaze"))) == 1


def test_a_query_without_a_known_word_is_nothing_and_any_other_has_length_one() -> None:
    queries = made(WordsEmbed())
    assert not queries("12 + unknown?").any() and not queries("").any()
    assert np.linalg.norm(queries("unknown rose")) == np.float32(1)
    empty = WordQueries(["", "1"], np.zeros((2, 3), dtype=np.float32), LIBRARY, WordsEmbed())
    assert empty("rose").shape == (3,)


def test_r4_words_are_read_once_and_kept_apart_from_documents(tmp_path: Path) -> None:
    kept = Store.at(tmp_path)
    first = made(WordsEmbed(), kept)
    again = WordsEmbed()
    assert np.array_equal(first("rose"), made(again, kept)("rose"))
    assert again.asked == len(DOCUMENTS)  # by `made` itself
