"""`reasonflux contamination SET… --against SET…`: which benchmarks' problems stand in what was trained on."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from pathlib import PurePosixPath

from reasonflux.cli.command import Command, console
from reasonflux.errors import BadInput
from reasonflux.problems.contamination import RUN_WORDS, Contamination, overlaps, problem_texts, table, template_texts
from reasonflux.problems.sets import PROBLEM_SETS, load_set
from reasonflux.records import Problem

AT = "="
LIBRARY = "library"


def _arguments(parser: ArgumentParser) -> None:
    named = f"problem sets: {', '.join(PROBLEM_SETS)}; NAME{AT}FILE reads a copy, else the Hub's is read"
    parser.add_argument("trained", nargs="+", help=f"{named}; {LIBRARY}{AT}FILE: the examples of a template library")
    parser.add_argument("--against", nargs="+", required=True, metavar="SET", help="benchmarks, named alike")
    parser.add_argument("--words", type=int, default=RUN_WORDS, help=f"of a run that counts ({RUN_WORDS})")
    parser.add_argument("--json", action="store_true", help="every overlap as one line of JSON")


def _run(arguments: Namespace) -> int:
    """0, whatever is found: what follows from it is the reader's."""
    if arguments.words < 1:
        raise BadInput(f"--words is {arguments.words}", "Give 1 or more")
    for named in (*arguments.against, *arguments.trained):
        _check(named, libraries=named not in arguments.against)
    benchmarks = {named: _problems(named) for named in arguments.against}
    found: list[Contamination] = []
    for trained in arguments.trained:
        texts = list(_texts(trained))
        for benchmark, problems in benchmarks.items():
            sides = (_name(trained), texts, _name(benchmark), problems)
            found.append(overlaps(*sides, run_words=arguments.words))
    if arguments.json:
        print(json.dumps([one.to_json() for one in found]))
    else:
        console().print(table(found))
    return 0


def _check(named: str, libraries: bool) -> None:
    """Before anything is read, perhaps from the Hub."""
    name = named.partition(AT)[0]
    if name not in PROBLEM_SETS and not (libraries and name == LIBRARY):
        raise BadInput(f"there is no problem set {name}", f"There are {', '.join(PROBLEM_SETS)}")


def _texts(named: str) -> Iterable[tuple[str, str]]:
    name, _, path = named.partition(AT)
    if name != LIBRARY:
        return problem_texts(_problems(named))
    from reasonflux.library.load import load_library

    return template_texts(load_library(path).templates)


def _problems(named: str) -> tuple[Problem, ...]:
    name, _, path = named.partition(AT)
    return load_set(name, PROBLEM_SETS[name], path=path).problems


def _name(named: str) -> str:
    name, _, path = named.partition(AT)
    return f"{name} {PurePosixPath(path).name}" if name == LIBRARY else PROBLEM_SETS[name].title


COMMAND = Command(help="find benchmarks' problems in what was trained on", arguments=_arguments, run=_run)
