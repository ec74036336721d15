"""Bad input gets one line that says what, where and what to do."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reasonflux.config import FieldNames, ProblemSource, SimilarConfig
from reasonflux.errors import BadInput
from reasonflux.problems.checking import ProblemCheck, check_problems, check_similar

GOOD = {"problem": "p", "answer": "1"}


def jsonl(path: Path, **settings: Any) -> ProblemSource:
    return ProblemSource(source="jsonl", path=str(path), **settings)


def write(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("rows", "settings", "message"),
    [
        (["", GOOD, "{broken"], {}, r"line 3 is not JSON"),
        ([GOOD, "[1]"], {}, r"line 2 is not a JSON object"),
        ([GOOD, "[" * 100_000], {}, r"line 2 is not JSON"),
        ([{"question": "p", "answer": "1"}], {}, r"has no column 'problem'; it has 'answer', 'question'.*fields\.text"),
        (
            [GOOD],
            {"fields": FieldNames(tags="kind")},
            r"has no column 'kind'; it has 'answer', 'problem'.*fields\.tags",
        ),
        ([GOOD, {"problem": "q", "answer": None}], {}, r"no gold answer in row 2\. .*skip_empty_gold"),
        ([GOOD, {"problem": "q"}], {}, r"no gold answer in row 2"),
        ([GOOD, {"problem": " ", "answer": "1"}], {}, r"no text in row 2"),
        ([GOOD, {"problem": "p ", "answer": "2"}], {}, r"the same id or text in rows 1 and 2\. .*skip_duplicates"),
        (
            [GOOD | {"id": 1}, {"problem": "q", "answer": "1", "id": "1"}],
            {"fields": FieldNames(id="id")},
            r"rows 1 and 2",
        ),
        ([GOOD | {"id": ""}], {"fields": FieldNames(id="id")}, r"row 1: id is empty"),
        ([], {}, r"holds no problem \(0 rows read\)"),
        ([{"problem": "p", "answer": ""}], {"skip_empty_gold": True}, r"holds no problem \(1 rows read\)"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, rows: list[Any], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_problems(jsonl(write(tmp_path / "set.jsonl", *rows), **settings))
    assert re.search(message, str(caught.value))
    assert "\n" not in str(caught.value)


def test_a_missing_file_a_folder_and_an_unknown_protocol_are_named(tmp_path: Path) -> None:
    for path, message in [
        (str(tmp_path / "none.jsonl"), "there is no .*none.jsonl"),
        (str(tmp_path), "cannot be opened: .*directory"),
        ("nowhere://x.jsonl", "cannot be opened: Protocol not known"),
    ]:
        with pytest.raises(BadInput, match=message):
            check_problems(ProblemSource(source="jsonl", path=path))


def test_another_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b"\n" + '{"problem": "Größe", "answer": "1"}'.encode("latin-1"))
    with pytest.raises(BadInput, match="line 2 is not UTF-8"):
        check_problems(jsonl(path))


def test_a_file_that_is_not_parquet_is_bad_input(tmp_path: Path) -> None:
    path = write(tmp_path / "set.parquet", GOOD)
    with pytest.raises(BadInput, match="is not Parquet"):
        check_problems(ProblemSource(source="parquet", path=str(path)))


def test_all_faults_stand_in_one_line_with_the_first_rows_of_each(tmp_path: Path) -> None:
    rows = [{"problem": f"p{number}", "answer": ""} for number in range(20)]
    with pytest.raises(BadInput) as caught:
        check_problems(jsonl(write(tmp_path / "set.jsonl", GOOD, GOOD, *rows)))
    assert "no gold answer in rows 3, 4, 5, 6, 7, 8, 9, 10 and 12 more; the same id or text in rows 1 and 2" in str(
        caught.value
    )


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    path = write(
        tmp_path / "set.jsonl", GOOD, GOOD, {"problem": "q", "answer": ""}, {"problem": "five!", "answer": "1"}
    )
    check = check_problems(jsonl(path, skip_empty_gold=True, skip_duplicates=True))
    assert check == ProblemCheck(problem_set="set", rows=4, problems=2, empty_gold=1, duplicates=1, mean_characters=2.0)


def test_families_are_asked_for_where_there_are_none() -> None:
    source = jsonl(Path("set.jsonl"))
    with pytest.raises(BadInput, match="nearest"):
        check_similar(source, SimilarConfig(provider="family"))
    check_similar(source, SimilarConfig(provider="nearest"))
    check_similar(ProblemSource(source="testbed"), SimilarConfig(provider="family"))


def test_the_real_sets_hold_what_is_known_of_them(shared_data: Callable[[str], Path]) -> None:
    math500 = check_problems(jsonl(shared_data("data/math500.jsonl"), fields=FieldNames(id="unique_id")))
    assert (math500.rows, math500.problems) == (500, 500)
    math_train = jsonl(shared_data("data/math_train.jsonl"))
    assert check_problems(math_train.model_copy(update={"limit": 500})).problems == 500
    with pytest.raises(BadInput) as caught:  # 924 and 958 differ in one blank
        check_problems(math_train)
    assert "no gold answer in rows 887, 1010, 5329, 5331; the same id or text in rows 924 and 958." in str(caught.value)
    check = check_problems(math_train.model_copy(update={"skip_empty_gold": True, "skip_duplicates": True}))
    assert (check.rows, check.problems) == (7474, 7469)
