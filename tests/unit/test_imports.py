"""Who may import what: Ray and torch stay in their rooms, rooms form no cycle, and data is never executed."""

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

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


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Every Python file of the project by its path from the root, parsed."""
    for folder in ("reasonflux", "jobs", "benchmarks", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


def test_ray_and_torch_are_imported_in_their_rooms_only() -> None:
    wrong = [
        f"{path}:{line} imports {module}"
        for path, tree in sources()
        for line, module in imported(tree)
        if not path.startswith(ALLOWED.get(module.split(".")[0], ("",)))
    ]
    assert not wrong, "\n".join(wrong)


def test_rooms_form_no_cycle_and_stand_below_the_room_with_ray() -> None:
    rooms: defaultdict[str, set[str]] = defaultdict(set)
    for path, tree in sources():
        room = path.split("/")[1]
        if path.startswith("reasonflux/") and not room.endswith(".py"):
            used = {module.split(".")[1] for _, module in imported(tree) if module.startswith("reasonflux.")}
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
    for path, tree in sources():
        if not path.startswith(("reasonflux/", "jobs/")):
            continue
        for node in ast.walk(tree):
            name = getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
            method_of_model = name == "eval" and isinstance(node.func, ast.Attribute) and not node.args  # type: ignore[attr-defined]
            if name in EXECUTES and not method_of_model:
                wrong.append(f"{path}:{node.lineno} calls {name}")  # type: ignore[attr-defined]
        wrong += [f"{path}:{line} imports {module}" for line, module in imported(tree) if module == "pickle"]
    assert not wrong, "\n".join(wrong)
