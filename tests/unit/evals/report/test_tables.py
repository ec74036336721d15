"""Tables for papers and spreadsheets."""

import csv
import io

from reasonflux.evals.exhibits import Table
from reasonflux.evals.report.parts import RunPart, Section
from reasonflux.evals.report.tables import csv_files, latex, markdown

TABLE = Table(
    id="scores",
    title="Scores & co",
    caption="100% of 12_a",
    columns=("method", "pass@1 %", "note"),
    rows=(("guided | v1", 51.5, None), ("direct → x", 1234, "a_b\nc")),
)
PART = RunPart(title="My run", kind="benchmarks", place="/runs/x", sections=(Section(title="s", tables=(TABLE,)),))


def test_csv_holds_numbers_as_they_are_and_nothing_where_nothing_was_measured() -> None:
    ((name, data),) = csv_files([PART]).items()
    assert name == "my-run-scores.csv"
    assert list(csv.reader(io.StringIO(data.decode()))) == [
        ["method", "pass@1 %", "note"],
        ["guided | v1", "51.5", ""],
        ["direct → x", "1234", "a_b\nc"],
    ]


def test_markdown_is_one_table_whatever_cells_hold() -> None:
    lines = markdown([PART]).splitlines()
    assert lines[0] == "## Scores & co"
    assert lines[2:6] == [
        "| method | pass@1 % | note |",
        "| :-- | --: | :-- |",
        r"| guided \| v1 | 51.5 | – |",
        "| direct → x | 1,234 | a_b c |",
    ]


def test_latex_escapes_what_is_special_there() -> None:
    told = latex([PART])
    assert r"\caption{Scores \& co. 100\% of 12\_a}" in told
    assert r"\begin{tabular}{lrl}" in told
    assert r"method & pass@1 \% & note \\" in told
    assert r"direct $\to$ x & 1,234 & a\_b c \\" in told
    assert told.count(r"\toprule") == told.count(r"\bottomrule") == 1
