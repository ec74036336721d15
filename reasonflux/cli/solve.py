"""`reasonflux solve "…"`: one problem, with its trajectory as it comes about."""

import json
import logging
import os
import sys
from argparse import ArgumentParser, Namespace

import reasonflux
from reasonflux.cli.command import Command, console
from reasonflux.reasoning.methods import METHODS
from reasonflux.records import Decision, Exchange
from reasonflux.showing import decision_part, ending_part, exchange_part

QUIET = {"VLLM_LOGGING_LEVEL": "ERROR", "VLLM_LOGGING_STREAM": "ext://sys.stderr"}  # what is printed is the trajectory


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("problem", help="its statement; - reads it from the standard input")
    named = "directory, Hub id, testbed:NAME, serve:APPLICATION, or base URL#MODEL"
    parser.add_argument("--navigator", help=f"who plans: {named}; the testbed's without it")
    parser.add_argument("--reasoner", help="who carries the plan out, named alike; the navigator's engine without it")
    parser.add_argument("--library", help="template library: file, URI or testbed")
    parser.add_argument("--prompts", help="a shipped set of prompts (plain, v1, v2) or a directory")
    parser.add_argument("--method", choices=METHODS, help="way to answer; that of the prompts' generation without it")
    parser.add_argument("--max-iter", type=int, default=10, help="most rounds of interplay (10)")
    parser.add_argument("--json", action="store_true", help="nothing but the solution as one line of JSON")


def _run(arguments: Namespace) -> int:
    """0, or 1 where there is no answer."""
    problem = sys.stdin.read() if arguments.problem == "-" else arguments.problem
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    logging.getLogger("reasonflux").setLevel(logging.ERROR)  # what fails stands in the solution
    terminal = console()

    def show(what: Exchange | Decision) -> None:
        terminal.print(exchange_part(what) if isinstance(what, Exchange) else decision_part(what))

    with reasonflux.ReasonFlux(
        navigator_path=arguments.navigator,
        inference_path=arguments.reasoner,
        template_path=arguments.library,
        prompts=arguments.prompts,
        method=METHODS[arguments.method]() if arguments.method else None,
    ) as flux:
        solution = flux.reason(problem, max_iter=arguments.max_iter, observe=None if arguments.json else show)
    if arguments.json:
        print(json.dumps(solution.to_dict()))
    else:
        terminal.print(ending_part(solution))
    return 0 if solution.answer is not None and solution.failure is None else 1


COMMAND = Command(help="answer one problem and show the trajectory", arguments=_arguments, run=_run)
