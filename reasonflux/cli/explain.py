"""`reasonflux explain ID`: where a pair, rollout, trajectory, problem or checkpoint comes from."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from rich.tree import Tree

from reasonflux.cli.command import Command, console
from reasonflux.rounds.lineage import Lineage, Node
from reasonflux.showing import plain

SHOWN = 700  # characters of a text that a terminal gets


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("id", help="of a pair, rollout, trajectory or problem, or a checkpoint's digest")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--run", metavar="DIR", help="run directory or URI that has it")
    place.add_argument("--root", default="runs", metavar="DIR", help="directory or URI that holds runs (runs)")
    parser.add_argument("--json", action="store_true", help="everything as one line of JSON")


def _run(arguments: Namespace) -> int:
    from reasonflux.rounds.finding import Place
    from reasonflux.rounds.lineage import explain

    lineage = explain(Place.at(arguments.run or arguments.root), arguments.id)
    if arguments.json:
        print(json.dumps(lineage.to_json()))
    else:
        console().print(lineage_tree(lineage))
    return 0


def lineage_tree(lineage: Lineage) -> Tree:
    """What was asked for, below it what it comes from; what stands there already is only named again."""
    shown: set[str] = set()

    def grow(tree: Tree, how: str, node: Node) -> None:
        title = plain(f"{how}{node.kind} {node.id}", "bold")
        if node.id in shown:
            tree.add(title.append(" (above)", "dim"))
            return
        shown.add(node.id)
        branch = tree.add(title)
        for line in _lines(node.facts):
            branch.add(plain(line))
        for what, source in node.sources:
            if source in lineage.nodes:
                grow(branch, f"{what} ", lineage.nodes[source])
            else:
                branch.add(plain(f"{what} {source}"))

    tree = Tree("", hide_root=True, guide_style="dim")
    grow(tree, "", lineage.nodes[lineage.asked])
    return tree


def _lines(facts: Mapping[str, Any]) -> list[str]:
    """One line a fact, texts with their own line breaks below its name."""
    found = []
    for name, value in facts.items():
        if isinstance(value, str) and "\n" in value:
            found.append(f"{name}:\n{_cut(value)}")
        elif name == "prompt":
            found += [f"prompt, {message['role']}:\n{_cut(message['content'])}" for message in value]
        elif value not in (None, "", (), [], {}):
            found.append(f"{name}: {_cut(_short(value))}")
    return found


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        given = {name: each for name, each in value.items() if each not in (None, "", (), [], {})}
        return ", ".join(f"{name} {_short(each)}" for name, each in given.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "; ".join(_short(each) for each in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _cut(text: str) -> str:
    more = len(text) - SHOWN
    return text if more <= 0 else f"{text[:SHOWN]} … and {more} characters more (--json)"


COMMAND = Command(help="where a row or a checkpoint comes from", arguments=_arguments, run=_run)
