"""What a reader of the repository may count on: small files and functions, and no trace of one machine."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE_LINES = 300
FUNCTION_LINES = 60
REGISTRY = re.compile(r"\b(pypi|pythonhosted|npmjs|debian|anaconda)\.(org|com)\b")
MACHINE_PATH = re.compile(r"(?<![\w.~$}-])/(work|farm|root|Users|home/(?!ray\b)|opt/(pypi|wheels))/")


def tracked(suffix: str = "") -> Iterator[tuple[str, str]]:
    """Files of the repository, those not yet committed among them, with their text; binary files are left out."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        path = ROOT / name
        if name.endswith(suffix) and path.is_file() and path.stat().st_size < 1 << 20:
            try:
                yield name, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


@pytest.mark.slow
def test_files_and_functions_are_small() -> None:
    wrong = []
    for name, text in tracked(".py"):
        lines = text.count("\n")
        if lines > FILE_LINES:
            wrong.append(f"{name} has {lines} lines, more than {FILE_LINES}")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES:
                    wrong.append(f"{name}:{node.lineno} {node.name} has {length} lines, more than {FUNCTION_LINES}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("what", "pattern"), [("a package registry's host", REGISTRY), ("a path of one machine", MACHINE_PATH)]
)
def test_nothing_names_where_it_was_written(what: str, pattern: re.Pattern[str]) -> None:
    wrong = [
        f"{name}:{number} names {what}: {line.strip()[:80]}"
        for name, text in tracked()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("pattern", "line"),
    [(REGISTRY, "index = https://" + "pypi" + ".org/simple"), (MACHINE_PATH, 'open("' + "/root" + '/data.json")')],
)
def test_the_patterns_find_what_they_look_for(pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)


def test_nothing_is_left_undone() -> None:
    marks = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
    wrong = [name for name, text in tracked(".py") if marks.search(text)]
    assert not wrong, "\n".join(wrong)
