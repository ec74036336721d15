"""Who may import what: Ray and torch stay in their rooms, rooms form no cycle, and data is never executed."""

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "reasonflux"
MODELS = ("reasonflux/training/", "reasonflux/testbed/", "reasonflux/distributed/", "benchmarks/", "tests/")
ALLOWED = {
    "ray": ("reasonflux/distributed/", "jobs/", "benchmarks/", "tests/"),
    "torch": MODELS,
    "transformers": MODELS,
    "trl": MODELS,
    "vllm": MODELS,
}
SLOW_TO_LOAD = {"scipy", "sklearn", "matplotlib", "pandas"}  # a second each, in every worker process
HEAVY_ROOMS = ("distributed", "testbed", "training")
EXECUTES = {"eval", "exec", "literal_eval", "parse_expr", "sympify", "unsafe_load", "full_load"}


class Source(NamedTuple):
    """What of a Python file is looked at; with the line."""

    path: str  # from the root
    imports: list[tuple[int, str]]
    calls: list[tuple[int, str]]


@cache
def sources() -> list[Source]:
    """Every Python file of the project."""
    return [
        Source(path.relative_to(ROOT).as_posix(), list(imported(tree)), list(called(tree)))
        for folder in ("reasonflux", "jobs", "benchmarks", "tests")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for tree in (ast.parse(path.read_text(encoding="utf-8")),)
    ]


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


def called(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Functions by name, wherever they stand; `model.eval()` is no function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name != "eval" or node.args or not isinstance(node.func, ast.Attribute):
                yield node.lineno, name


@pytest.mark.slow
def test_ray_and_torch_are_imported_in_their_rooms_only() -> None:
    wrong = [
        f"{path}:{line} imports {module}"
        for path, imports, _ in sources()
        for line, module in imports
        if not path.startswith(ALLOWED.get(module.split(".")[0], ("",)))
    ]
    assert not wrong, "\n".join(wrong)


def test_rooms_form_no_cycle_and_stand_below_the_room_with_ray() -> None:
    rooms: defaultdict[str, set[str]] = defaultdict(set)
    for path, imports, _ in sources():
        room = path.split("/")[1]
        if path.startswith("reasonflux/") and not room.endswith(".py"):
            used = {module.split(".")[1] for _, module in imports if module.startswith("reasonflux.")}
            rooms[room] |= {name for name in used if (PACKAGE / name).is_dir()} - {room}
    list(TopologicalSorter(rooms).static_order())  # raises CycleError and names the cycle
    assert [room for room, used in rooms.items() if "distributed" in used] == []


def test_root_files_know_no_room() -> None:
    wrong = [
        f"{path.name}:{line} imports {module}"
        for path in sorted(PACKAGE.glob("*.py"))
        if path.name != "__main__.py"  # the command's entry
        for line, module in imported(ast.parse(path.read_text(encoding="utf-8")))
        if module.startswith("reasonflux.") and (PACKAGE / module.split(".")[1]).is_dir()
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
def test_no_room_with_algorithms_loads_ray_or_torch() -> None:
    """In a fresh process, one module after the other: the first that loads a heavy library is named."""
    modules = ["reasonflux.config"]
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[1] not in HEAVY_ROOMS and parts[-1] != "__main__":
            modules.append(".".join(parts).removesuffix(".__init__"))
    script = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        f"    loaded = sys.modules.keys() & {set(ALLOWED) | SLOW_TO_LOAD}\n"
        "    assert not loaded, f'importing {name} loads {loaded}'\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *modules], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_others_wrote_is_never_executed_or_unpickled() -> None:
    """By name, wherever it stands: model output, problems and configs are parsed, nothing more."""
    wrong = []
    for path, imports, calls in sources():
        if path.startswith(("reasonflux/", "jobs/")):
            wrong += [f"{path}:{line} calls {name}" for line, name in calls if name in EXECUTES]
            wrong += [f"{path}:{line} imports {module}" for line, module in imports if module == "pickle"]
    assert not wrong, "\n".join(wrong)
