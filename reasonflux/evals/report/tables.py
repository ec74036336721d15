"""A report's tables for papers and spreadsheets: CSV, Markdown, LaTeX."""

import csv
import io
import re
from collections.abc import Sequence

from reasonflux.evals.exhibits import Table
from reasonflux.evals.report.parts import RunPart

NOT_MEASURED = "–"

_WHITE = re.compile(r"\s+")
_LATEX = str.maketrans(
    {
        **{special: f"\\{special}" for special in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "−": "$-$",
        "→": r"$\to$",
        "×": r"$\times$",
        "±": r"$\pm$",
        "≤": r"$\le$",
        "≥": r"$\ge$",
        "α": r"$\alpha$",
    }
)


def csv_files(parts: Sequence[RunPart]) -> dict[str, bytes]:
    """One file a table, by name; numbers as they are, an empty cell where nothing was measured."""
    return {f"{name}.csv": _csv(table) for name, table in _named(parts)}


def markdown(parts: Sequence[RunPart]) -> str:
    """All tables, each under its title."""
    return "\n".join(_markdown(table) for _, table in _named(parts))


def latex(parts: Sequence[RunPart]) -> str:
    """All tables as floats with booktabs rules; names of labels are those of the CSV files."""
    return "\n".join(_latex(name, table) for name, table in _named(parts))


def shown_cell(cell: str | float | None) -> str:
    """A cell as people read it."""
    if cell is None:
        return NOT_MEASURED
    return cell if isinstance(cell, str) else f"{cell:,}" if isinstance(cell, int) else f"{cell:g}"


def _named(parts: Sequence[RunPart]) -> list[tuple[str, Table]]:
    return [
        (re.sub(r"[^a-z0-9]+", "-", f"{part.title} {table.id}".lower()).strip("-"), table)
        for part in parts
        for table in part.tables
    ]


def _csv(table: Table) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(["" if cell is None else cell for cell in row] for row in table.rows)
    return file.getvalue().encode()


def _markdown(table: Table) -> str:
    lines = [table.columns, tuple(":--" if side == "l" else "--:" for side in _sides(table)), *map(_shown, table.rows)]
    cells = [" | ".join(_WHITE.sub(" ", cell).replace("|", "\\|") for cell in line) for line in lines]
    rows = "\n".join(f"| {line} |" for line in cells)
    return f"## {table.title}\n\n{rows}\n\n{table.caption}\n"


def _latex(name: str, table: Table) -> str:
    head, *rows = (" & ".join(map(_escaped, line)) + r" \\" for line in [table.columns, *map(_shown, table.rows)])
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{_escaped(table.title)}. {_escaped(table.caption)}}}",
            rf"\label{{tab:{name}}}",
            rf"\begin{{tabular}}{{{''.join(_sides(table))}}}",
            *(r"\toprule", head, r"\midrule", *rows, r"\bottomrule"),
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _shown(row: Sequence[str | float | None]) -> tuple[str, ...]:
    return tuple(map(shown_cell, row))


def _sides(table: Table) -> list[str]:
    """Numbers stand on the right."""
    return ["r" if numeric(table, place) else "l" for place in range(len(table.columns))]


def numeric(table: Table, place: int) -> bool:
    """Whether a column holds no text."""
    return not any(isinstance(row[place], str) for row in table.rows)


def _escaped(text: str) -> str:
    return _WHITE.sub(" ", text).translate(_LATEX)
