"""Reading problems: every format, every kind of gold, and memory that does not grow."""

import gzip
import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reasonflux.config import FieldNames, ProblemSource
from reasonflux.errors import BadInput
from reasonflux.problems import readers
from reasonflux.problems.sources import read_problems
from reasonflux.records import Problem


def write(path: Path, lines: list[Any]) -> Path:
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    return path


def jsonl(path: Path, **settings: Any) -> ProblemSource:
    return ProblemSource(source="jsonl", path=str(path), **settings)


@pytest.mark.parametrize(
    ("written", "gold"),
    [
        ("27.0", "27.0"),
        ("0.10", "0.10"),
        ("1e5", "1e5"),
        ("-3", "-3"),
        ('"\\\\frac{1}{2}"', r"\frac{1}{2}"),
        ('["7"]', "7"),
    ],
)
def test_gold_is_kept_as_it_is_written(tmp_path: Path, written: str, gold: str) -> None:
    path = write(tmp_path / "set.jsonl", [f'{{"problem": "p", "answer": {written}}}'])
    assert [problem.gold for problem in read_problems(jsonl(path))] == [gold]


@pytest.mark.parametrize("written", ['["1", "2"]', "true", '{"a": 1}'])
def test_gold_that_is_not_one_answer_is_refused_with_its_row(tmp_path: Path, written: str) -> None:
    path = write(
        tmp_path / "set.jsonl", ['{"problem": "p", "answer": "1"}', f'{{"problem": "q", "answer": {written}}}']
    )
    with pytest.raises(BadInput, match="row 2: answer is"):
        list(read_problems(jsonl(path)))


def test_fields_fill_the_record(tmp_path: Path) -> None:
    row = {"uid": 7, "q": " p ", "a": 1, "kind": "Algebra", "hard": 5.0, "set": "f1"}
    path = write(tmp_path / "set.v2.jsonl", [row])
    fields = FieldNames(text="q", gold="a", id="uid", tags="kind", level="hard", family="set")
    (problem,) = read_problems(jsonl(path, fields=fields, split="tuning"))
    assert problem == Problem(
        id="7", text="p", gold="1", problem_set="set", split="tuning", family="f1", tags=("Algebra",), level="5.0"
    )


def test_tags_may_be_a_list(tmp_path: Path) -> None:
    path = write(tmp_path / "set.jsonl", [{"problem": "p", "answer": "1", "tags": ["a", "", "b"]}])
    assert next(read_problems(jsonl(path, fields=FieldNames(tags="tags")))).tags == ("a", "b")


def test_ids_without_a_column_follow_from_content_not_from_place(tmp_path: Path) -> None:
    rows = [{"problem": "p", "answer": "1"}, {"problem": "q", "answer": "1"}]
    (tmp_path / "elsewhere").mkdir()
    first = [p.id for p in read_problems(jsonl(write(tmp_path / "set.jsonl", rows)))]
    moved = [p.id for p in read_problems(jsonl(write(tmp_path / "elsewhere" / "set.jsonl", ["", *rows[::-1]])))]
    assert first == moved[::-1]
    assert len(set(first)) == 2


def test_empty_gold_is_refused_or_left_out(tmp_path: Path) -> None:
    rows = [{"problem": "p", "answer": "1"}, {"problem": "q", "answer": " "}, {"problem": "r", "answer": None}]
    path = write(tmp_path / "set.jsonl", rows)
    with pytest.raises(BadInput, match="row 2 has no gold answer"):
        list(read_problems(jsonl(path)))
    assert [p.text for p in read_problems(jsonl(path, skip_empty_gold=True))] == ["p"]


def test_skipping_duplicates_keeps_the_first_of_an_id_and_of_a_text(tmp_path: Path) -> None:
    rows = [
        {"problem": text, "answer": "1", "id": key} for text, key in [("p", "a"), ("q", "a"), ("p", "b"), ("r", "c")]
    ]
    source = jsonl(write(tmp_path / "set.jsonl", rows), fields=FieldNames(id="id"), skip_duplicates=True)
    assert [(p.text, p.id) for p in read_problems(source)] == [("p", "a"), ("r", "c")]


def test_limit_counts_rows_before_any_is_left_out(tmp_path: Path) -> None:
    rows = [{"problem": "p", "answer": ""}, {"problem": "q", "answer": "1"}, {"problem": "r", "answer": "1"}]
    source = jsonl(write(tmp_path / "set.jsonl", rows), limit=2, skip_empty_gold=True)
    assert [p.text for p in read_problems(source)] == ["q"]


def test_a_compressed_file_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl.gz"
    path.write_bytes(gzip.compress("\ufeff".encode() + b'{"problem": "p", "answer": "1"}\n'))
    assert [p.problem_set for p in read_problems(jsonl(path))] == ["set"]


def test_any_fsspec_uri_is_read() -> None:
    with fsspec.open("memory://sets/set.jsonl", "wb") as file:
        file.write(b'{"problem": "p", "answer": "1"}\n')
    source = ProblemSource(source="jsonl", path="memory://sets/set.jsonl")
    assert [(p.text, p.problem_set) for p in read_problems(source)] == [("p", "set")]


def test_parquet_reads_like_jsonl(tmp_path: Path) -> None:
    rows = [{"problem": "p", "answer": 27.0, "tags": ["a"]}, {"problem": "q", "answer": 2.5, "tags": ["b", "c"]}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "set.parquet")
    fields = FieldNames(tags="tags")
    parquet = ProblemSource(source="parquet", path=str(tmp_path / "set.parquet"), fields=fields)
    assert list(read_problems(parquet)) == list(
        read_problems(jsonl(write(tmp_path / "set.jsonl", rows), fields=fields))
    )


def test_nan_in_parquet_is_an_empty_gold(tmp_path: Path) -> None:
    pq.write_table(pa.table({"problem": ["p", "q"], "answer": [float("nan"), 1.0]}), tmp_path / "set.parquet")
    source = ProblemSource(source="parquet", path=str(tmp_path / "set.parquet"), skip_empty_gold=True)
    assert [p.text for p in read_problems(source)] == ["q"]


def test_the_testbed_gets_its_arguments_and_obeys_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    def generate_problems(count: int, split: str, seed: int, held_out: bool) -> list[Problem]:
        text = f"{split} {seed} {held_out}"
        return [Problem(id=str(i), text=text, gold="1", problem_set="testbed") for i in range(count)]

    world = types.ModuleType("reasonflux.testbed.world")
    world.generate_problems = generate_problems  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "reasonflux.testbed.world", world)
    source = ProblemSource(source="testbed", split="gate", count=5, limit=3, held_out=True)
    assert [p.text for p in read_problems(source, seed=9)] == ["gate 9 True"] * 3


def test_a_source_is_read_as_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0

    def rows(source: ProblemSource) -> Iterator[tuple[int, dict[str, str]]]:
        nonlocal read
        while True:
            read += 1
            yield read, {"problem": f"p{read}", "answer": "1"}

    monkeypatch.setitem(readers.READERS, "jsonl", rows)
    stream = read_problems(jsonl(Path("endless.jsonl")))
    assert [next(stream).text for _ in range(3)] == ["p1", "p2", "p3"]
    assert read == 3
