import pytest
import yaml

from reasonflux.arrow import schema_of
from reasonflux.pairs.card import card
from reasonflux.pairs.provenance import Role
from reasonflux.records import Pair
from tests.unit.pairs.rows import facts


def header(text: str) -> dict:
    _, front, _ = text.split("---\n", 2)
    return yaml.safe_load(front)


def test_the_header_names_a_config_for_each_role() -> None:
    parsed = header(card(facts(), {Role.NAVIGATOR: 5, Role.REASONER: 3}))
    assert [config["config_name"] for config in parsed["configs"]] == ["navigator", "reasoner"]
    assert parsed["configs"][0]["default"] is True
    assert parsed["configs"][1]["data_files"] == [{"split": "train", "path": "reasoner/*.parquet"}]
    assert [info["splits"][0]["num_examples"] for info in parsed["dataset_info"]] == [5, 3]
    assert parsed["task_categories"] == ["text-generation"]


def test_the_default_is_a_role_with_pairs() -> None:
    parsed = header(card(facts(), {Role.NAVIGATOR: 0, Role.REASONER: 3}))
    assert ["default" in config for config in parsed["configs"]] == [False, True]


@pytest.mark.parametrize(
    ("rows", "size"),
    [(0, "n<1K"), (999, "n<1K"), (1_000, "1K<n<10K"), (2_500_000, "1M<n<10M"), (10**9, "n>1B")],
)
def test_sizes_are_the_hub_s_categories(rows: int, size: str) -> None:
    assert header(card(facts(), {Role.NAVIGATOR: rows, Role.REASONER: 0}))["size_categories"] == [size]


def test_the_body_tells_where_the_pairs_come_from() -> None:
    text = card(facts(purity=0.875), {Role.NAVIGATOR: 1234, Role.REASONER: 0})
    for part in ("| similar problems | family, 4 with", "0.875", "| template library | lib |", "m (nav)", "1,234"):
        assert part in text


def test_every_column_is_explained() -> None:
    text = card(facts(), {Role.NAVIGATOR: 1, Role.REASONER: 1})
    explained = text[text.index("## Columns") : text.index("## Limits")]
    words = set(explained.replace(",", " ").split())
    assert set(schema_of(Pair).names) <= words


def test_an_empty_role_is_named() -> None:
    assert "no pair in `reasoner`" in card(facts(), {Role.NAVIGATOR: 1, Role.REASONER: 0})
    assert "no pair in" not in card(facts(), {Role.NAVIGATOR: 1, Role.REASONER: 1})


def test_a_bar_in_a_value_does_not_break_the_table() -> None:
    assert "a \\| b" in card(facts(model="a | b"), {Role.NAVIGATOR: 1, Role.REASONER: 1})


def test_the_card_does_not_tell_where_files_lie_on_one_machine() -> None:
    text = card(facts(model="/some/where/navigator-7b"), {Role.NAVIGATOR: 1, Role.REASONER: 1})
    assert "navigator-7b (nav)" in text
    assert "/some/where" not in text
    assert "s3://bucket/navigator-7b (nav)" in card(facts(model="s3://bucket/navigator-7b"), dict.fromkeys(Role, 1))
