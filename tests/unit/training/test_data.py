"""Rows out of what recipes name, and one line with its place for data of another shape."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reasonflux.errors import BadInput
from reasonflux.pairs.dataset import PairDataset, PairFile
from reasonflux.pairs.provenance import Role
from reasonflux.training.data import read_rows, usable_rows
from reasonflux.training.recipe import DpoObjective, TrainingRecipe
from reasonflux.training.rows import Chat
from tests.unit.pairs.rows import facts, pair


def recipe(data: object, stage: str = "trajectory_sft", **settings: object) -> TrainingRecipe:
    dpo = DpoObjective() if stage == "dpo" else None
    values = {"name": "x", "role": "navigator", "base": "b", "learning_rate": 1e-3, "dpo": dpo, **settings}
    return TrainingRecipe.model_validate({"data": str(data), "stage": stage, **values})


def words(messages: Chat) -> int:
    return sum(len(message["content"].split()) for message in messages)


def lines(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")
    return path


def published(directory: Path) -> Path:
    pairs = [PairFile.of(role, [pair(number, role.value) for number in range(3)]) for role in Role]
    for name, data in PairDataset(pairs, facts()).items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(data)
    return directory


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def answer(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def test_messages_and_prompt_with_completion_become_the_same_rows(tmp_path: Path) -> None:
    expected = [{"prompt": [user("Q")], "completion": [answer("A")]}]
    for row in (
        {"messages": [user("Q"), answer("A")]},
        {"prompt": "Q", "completion": "A"},
        {"prompt": [user("Q")], "completion": [answer("A")], "other": 1},
    ):
        assert list(read_rows(recipe(lines(tmp_path / "rows.jsonl", row)))) == expected
        pq.write_table(pa.Table.from_pylist([row]), tmp_path / "rows.parquet")
        assert list(read_rows(recipe(tmp_path / "rows.parquet"))) == expected


def test_replayed_data_comes_after_the_data_and_counts_like_it(tmp_path: Path) -> None:
    first, again = (lines(tmp_path / f"{name}.jsonl", {"prompt": name, "completion": "A"}) for name in ("new", "old"))
    asked = recipe(first, replayed=(str(again),))
    assert [row["prompt"] for row in read_rows(asked)] == [[user("new")], [user("old")]]
    assert usable_rows(asked, words).digest != usable_rows(recipe(first), words).digest
    with pytest.raises(ValueError, match="one template library"):
        recipe(first, "structure_sft", replayed=(str(again),))


def test_v14_released_formats_are_trained_on_as_they_are(tmp_path: Path) -> None:
    tuned = lines(
        tmp_path / "tuned.jsonl",
        {"instruction": "x?", "input": "", "output": "1. a"},
        {"conversations": [{"from": "human", "value": "x?"}, {"from": "gpt", "value": "1. a"}]},
    )
    assert list(read_rows(recipe(tuned))) == [{"prompt": [user("x?")], "completion": [answer("1. a")]}] * 2
    pq.write_table(
        pa.Table.from_pylist([{"instruction": "x?", "input": None, "chosen": "1. a", "rejected": "1. b"}]),
        tmp_path / "preferred.parquet",
    )
    (row,) = read_rows(recipe(tmp_path / "preferred.parquet", "dpo"))
    assert row == {"prompt": [user("x?")], "chosen": [answer("1. a")], "rejected": [answer("1. b")]}


@pytest.mark.parametrize("role", list(Role))
def test_a_role_of_a_published_data_set_is_read_and_nothing_but_texts(role: Role, tmp_path: Path) -> None:
    rows = list(read_rows(recipe(published(tmp_path / "pairs"), "dpo", role=role.value)))
    assert rows == list(read_rows(recipe(tmp_path / "pairs" / role.value, "dpo", role=role.value)))
    assert [set(row) for row in rows] == [{"prompt", "chosen", "rejected"}] * 3


def test_the_digest_is_of_the_usable_texts_and_their_order(tmp_path: Path) -> None:
    rows = [{"prompt": f"Q{number}", "completion": "A"} for number in range(3)]
    data = usable_rows(recipe(lines(tmp_path / "a.jsonl", *rows)), words)
    blank = usable_rows(recipe(lines(tmp_path / "b.jsonl", *rows, {"prompt": " ", "completion": "A"})), words)
    turned = usable_rows(recipe(lines(tmp_path / "c.jsonl", *reversed(rows))), words)
    assert data.digest == blank.digest != turned.digest
    assert (len(data.rows), data.left_out, blank.left_out) == (3, {}, {"empty prompt": 1})


@pytest.mark.parametrize(
    ("content", "stage", "told"),
    [
        ('{"prompt": "Q"}', "trajectory_sft", "row 1 of .* lacks messages, or prompt and completion"),
        ('{"prompt": "Q", "chosen": "A"}', "dpo", "row 1 of .* lacks prompt, chosen and rejected"),
        ('{"prompt": 3, "completion": "A"}', "trajectory_sft", "row 1 of .*: a message is not a role and a content"),
        ('{"prompt": [{"role": "user"}], "completion": "A"}', "trajectory_sft", "not a role and a content"),
        ('{"messages": [{"role": "user", "content": "Q"}]}', "trajectory_sft", "last message is not the assistant's"),
        ("[1", "trajectory_sft", "line 1 of .* is no JSON"),
        ("7", "trajectory_sft", "row 1 of .* lacks messages"),
        ("", "trajectory_sft", "holds no row to train on: it is empty"),
        ('{"prompt": "", "completion": "A"}', "trajectory_sft", "no row to train on: 1 empty prompt"),
        (
            '{"prompt": "Q", "chosen": "A", "rejected": "A"}',
            "dpo",
            "no row to train on: 1 chosen and rejected are equal",
        ),
    ],
)
def test_data_of_another_shape_is_one_line_with_its_place(content: str, stage: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(content)
    with pytest.raises(BadInput, match=told) as error:
        usable_rows(recipe(tmp_path / "rows.jsonl", stage), words)
    assert "\n" not in error.value.what


@pytest.mark.parametrize(
    ("name", "told"),
    [("absent.jsonl", "there is no"), ("absent", "holds no Parquet file"), ("s3x://b/pairs", "cannot be read")],
)
def test_data_that_is_not_there_is_named(name: str, told: str, tmp_path: Path) -> None:
    place = name if "://" in name else tmp_path / name
    with pytest.raises(BadInput, match=told):
        usable_rows(recipe(place, "dpo"), words)


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(BadInput, match="no Parquet file that can be read"):
        usable_rows(recipe(tmp_path / "rows.parquet", "dpo"), words)


def test_stored_log_probabilities_come_with_the_checkpoint_that_they_are_of(tmp_path: Path) -> None:
    row = {"prompt": "Q", "chosen": "A", "rejected": "B", "ref_chosen_logps": -1.0, "ref_rejected_logps": -2.0}
    data = usable_rows(recipe(lines(tmp_path / "a.jsonl", row | {"reference": "abc"}), "dpo"), words)
    assert data.reference == "abc"
    assert data.rows[0]["ref_rejected_logps"] == -2.0
    unnamed = usable_rows(recipe(lines(tmp_path / "b.jsonl", row), "dpo"), words)
    assert unnamed.reference is None
    assert "ref_chosen_logps" not in unnamed.rows[0]
