"""Kept embeddings are found again for the same model, library and texts, and for nothing else."""

from pathlib import Path

import numpy as np
import pytest

from reasonflux.library.load import TemplateLibrary, library_of
from reasonflux.library.vectors import vectors_name, vectors_of
from reasonflux.storage.store import Store
from tests.unit.library.builders import template
from tests.unit.library.embeds import WordsEmbed

TEXTS = ["one two", "three"]


def library(*names: str) -> TemplateLibrary:
    return library_of(map(template, names), source="here")


def test_r4_vectors_are_made_once(tmp_path: Path) -> None:
    kept, embed = Store.at(tmp_path), WordsEmbed()
    made = vectors_of(TEXTS, library("A"), embed, kept)
    again = vectors_of(TEXTS, library("A"), embed, kept)
    assert embed.asked == len(TEXTS)
    assert np.array_equal(made, again) and made.dtype == np.float32


def test_r4_another_model_library_or_text_finds_nothing(tmp_path: Path) -> None:
    kept, embed = Store.at(tmp_path), WordsEmbed()
    vectors_of(TEXTS, library("A"), embed, kept)
    names = {
        vectors_name(TEXTS, library("A"), embed),
        vectors_name(TEXTS, library("A", "B"), embed),
        vectors_name(TEXTS[::-1], library("A"), embed),
        vectors_name(TEXTS, library("A"), WordsEmbed("retrained")),
    }
    assert len(names) == 4
    retrained = WordsEmbed("retrained")
    vectors_of(TEXTS, library("A"), retrained, kept)
    assert retrained.asked == len(TEXTS)


@pytest.mark.parametrize("damage", ["cut", "empty", "other rows", "nan"])
def test_r4_a_damaged_file_is_made_again(tmp_path: Path, damage: str) -> None:
    kept, embed = Store.at(tmp_path), WordsEmbed()
    made = vectors_of(TEXTS, library("A"), embed, kept)
    name = vectors_name(TEXTS, library("A"), embed)
    data = kept.read(name)
    holds_nan = data[:-4] + np.float32("nan").tobytes()
    broken = {"cut": data[: len(data) // 2], "empty": b"", "nan": holds_nan}
    if damage == "other rows":
        vectors_of(TEXTS[:1], library("A"), embed, kept)
        broken[damage] = kept.read(vectors_name(TEXTS[:1], library("A"), embed))
    kept.put(name, broken[damage])
    assert np.array_equal(vectors_of(TEXTS, library("A"), embed, kept), made)
    assert kept.read(name) == data
