"""Problem sets: real copies are known by their digests, and what is short, changed, doubled or empty is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reasonflux.errors import BadInput
from reasonflux.problems import readers
from reasonflux.problems.sets import PROBLEM_SETS, LoadedSet, ProblemSet, load_set
from reasonflux.rewards.graders import GRADERS
from tests.conftest import S3Server

REAL = {"math500": 500, "aime24": 30, "amc23": 40, "olympiadbench": 675, "gaokao2023en": 383, "math_train": 7_470}
GPQA = [
    {
        "Record ID": f"rec{number}",
        "Question": f"Which of these is number {number}?",
        "Correct Answer": f"right {number}",
        **{f"Incorrect Answer {wrong}": f"wrong {number}.{wrong}" for wrong in (1, 2, 3)},
        "Subdomain": "Counting",
    }
    for number in range(6)
]
ROWS: dict[str, list[dict[str, Any]]] = {
    "aime25": [{"id": str(number), "problem": f"Find {number}.", "answer": f"{number:03d}"} for number in range(30)],
    "gpqa_diamond": GPQA,
    "gsm8k": [{"question": f"How many are {n} and 1?", "answer": f"It is {n}+1.\n#### {n + 1}"} for n in range(5)],
    "math_train": [
        {
            "problem": f"What is {n}?",
            "solution": rf"So \boxed{{\frac{{{n}}}{{1}}}} it is.",
            "type": "A",
            "level": "Level 2",
        }
        for n in range(5)
    ],
    "aime_1983_2023": [
        {"ID": "1983-1", "Year": 1983, "Problem Number": 1, "Question": "One?", "Answer": "60"},
        {"ID": "2022-II-8", "Year": 2022, "Problem Number": 8, "Question": "Two?", "Answer": "080 or 081 (either)"},
        {"ID": "2024-I-1", "Year": 2024, "Problem Number": 1, "Question": "Late?", "Answer": "1"},
    ],
}


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return str(path)


def small(name: str, rows: int, **changes: Any) -> ProblemSet:
    return replace(PROBLEM_SETS[name], rows=rows, **changes)


def loaded(name: str, tmp_path: Path, rows: list[dict[str, Any]], count: int, **changes: Any) -> LoadedSet:
    return load_set(name, small(name, count, copies={}, **changes), path=write(tmp_path / f"{name}.jsonl", rows))


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_known_copies(name: str, shared_data: Callable[[str], Path]) -> None:
    real = load_set(name, PROBLEM_SETS[name], path=str(shared_data(f"data/{name}.jsonl")))
    assert (len(real.problems), real.verified) == (REAL[name], True)
    assert len(real.problems) + real.without_gold in PROBLEM_SETS[name].copies.values()
    assert all(problem.text and problem.gold and problem.problem_set == name for problem in real.problems)


@pytest.mark.parametrize("name", ["math500", "aime24"])
def test_a_real_file_that_is_short_or_changed_is_refused_in_one_line(
    name: str, shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    lines = shared_data(f"data/{name}.jsonl").read_text(encoding="utf-8").splitlines()
    changed = [json.loads(line) for line in lines]
    changed[3]["answer"] = "7"
    for rows, said in ((lines[:-1], "holds .* problems, not"), (list(map(json.dumps, changed)), "none of the known")):
        (tmp_path / "copy.jsonl").write_text("\n".join(rows), encoding="utf-8")
        with pytest.raises(BadInput, match=said) as caught:
            load_set(name, PROBLEM_SETS[name], path=str(tmp_path / "copy.jsonl"))
        assert "\n" not in str(caught.value)
    digest = str(caught.value).rpartition("sha256 to ")[2]
    mine = load_set(name, PROBLEM_SETS[name], path=str(tmp_path / "copy.jsonl"), sha256=digest)
    assert mine.verified and mine.digest == digest
    with pytest.raises(BadInput, match="has the digest"):
        load_set(name, PROBLEM_SETS[name], path=str(tmp_path / "copy.jsonl"), sha256="0" * 64)


def test_every_set_names_a_grader_and_its_copies_by_a_digest() -> None:
    for known in PROBLEM_SETS.values():
        assert known.grader in GRADERS
        assert all(len(digest) == 64 and int(digest, 16) for digest in known.copies)
        assert known.rows > 0


def test_v10_the_choices_of_gpqa_stand_in_a_pinned_order_and_their_letter_is_the_gold(tmp_path: Path) -> None:
    problems = loaded("gpqa_diamond", tmp_path, GPQA, 6).problems
    for number, problem in enumerate(problems):
        (line,) = [line for line in problem.text.splitlines() if line.startswith(f"({problem.gold}) ")]
        assert line == f"({problem.gold}) right {number}"
    assert len({problem.gold for problem in problems}) > 1
    again = loaded("gpqa_diamond", tmp_path, list(reversed(GPQA)), 6).problems
    assert sorted(problems, key=lambda one: one.id) == sorted(again, key=lambda one: one.id)


def test_answers_are_read_where_the_set_keeps_them(tmp_path: Path) -> None:
    golds = {
        name: loaded(name, tmp_path, rows, len(rows)).problems for name, rows in ROWS.items() if "1983" not in name
    }
    assert [problem.gold for problem in golds["gsm8k"]] == ["1", "2", "3", "4", "5"]
    assert golds["math_train"][4].gold == r"\frac{4}{1}" and golds["math_train"][4].level == "2"
    contest = loaded("aime_1983_2023", tmp_path, ROWS["aime_1983_2023"], 2).problems
    assert [(problem.id, problem.gold) for problem in contest] == [
        ("aime_1983_2023:1983-1", "60"),
        ("aime_1983_2023:2022-II-8", "080 or 081"),
    ]


@pytest.mark.slow
def test_parquet_jsonl_and_s3_give_one_digest(tmp_path: Path, s3_server: S3Server) -> None:
    import s3fs

    rows = ROWS["aime25"]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "aime25.parquet")
    uri = f"{s3_server.new_bucket()}/aime25.parquet"
    s3fs.S3FileSystem().put(str(tmp_path / "aime25.parquet"), uri)
    places = [write(tmp_path / "aime25.jsonl", list(reversed(rows))), str(tmp_path / "aime25.parquet"), uri]
    found = [load_set("aime25", PROBLEM_SETS["aime25"], path=place) for place in places]
    assert len({one.digest for one in found}) == 1
    assert {one.verified for one in found} == {False}
    assert len(load_set("aime25", PROBLEM_SETS["aime25"], path=places[0], limit=4).problems) == 4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: [], "holds no problem"),
        (lambda rows: rows[:-1], "holds 29 problems, not 30"),
        (lambda rows: [*rows[:-1], rows[0]], "2 rows stand there twice|1 rows stand there twice"),
        (lambda rows: [*rows[:-1], rows[-1] | {"answer": ""}], "1 rows have no gold answer: 29"),
        (lambda rows: [*rows[:-1], rows[-1] | {"answer": "1000"}], "the grader integer cannot take: 29"),
        (lambda rows: [*rows[:-1], rows[-1] | {"problem": " "}], "1 rows have no text: 29"),
        (lambda rows: [*rows[:-1], {"id": "29", "question": "?", "answer": "1"}], "no column 'problem'"),
    ],
)
def test_a_set_that_is_spoilt_is_refused(change: Callable[[Any], Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=said):
        loaded("aime25", tmp_path, change(ROWS["aime25"]), 30)


def test_the_hub_is_asked_for_the_pinned_revision_and_a_gated_set_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def hub(source: Any, whole: bool) -> Any:
        asked.append((source.path, source.subset, source.split, source.revision))
        if source.path == PROBLEM_SETS["gpqa_diamond"].hub:
            raise BadInput("dataset Idavidrein/gpqa cannot be read: it is gated", "Check it")
        yield from enumerate(ROWS["gsm8k"], start=1)

    monkeypatch.setitem(readers.READERS, "hub", hub)
    with pytest.raises(BadInput, match=r"gated\. Accept its terms on the Hub with your own account and set HF_TOKEN"):
        load_set("gpqa_diamond", PROBLEM_SETS["gpqa_diamond"])
    with pytest.raises(BadInput, match="holds 5 problems, not 1319"):
        load_set("gsm8k", PROBLEM_SETS["gsm8k"])
    assert asked == [("Idavidrein/gpqa", "gpqa_diamond", "train", None), ("openai/gsm8k", "main", "test", None)]


def test_what_the_hub_s_own_library_reads_is_what_a_file_gives(tmp_path: Path) -> None:
    rows = [
        {
            "id": number,
            "context": None,
            "question": f"Which are they, number {number}?",
            "final_answer": [f"${number}$,$8$"],
            "unit": unit,
            "subfield": "Algebra",
        }
        for number, unit in enumerate([None, "km", "%", "$cm^2$"])
    ]
    (tmp_path / "hub").mkdir()
    path = write(tmp_path / "hub" / "train.jsonl", rows)
    known = small("olympiadbench", 4, copies={}, hub=str(tmp_path / "hub"), subset=None)
    streamed, read = load_set("olympiadbench", known), load_set("olympiadbench", known, path=path)
    assert streamed == read
    assert [problem.gold for problem in read.problems] == [
        "$0$,$8$",
        r"$1$,$8$ \text{km}",
        r"$2$,$8$ \text{percent}",
        r"$3$,$8$ \text{cm^2}",
    ]
