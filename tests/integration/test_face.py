"""The Python face on real engines in a process of its own, with the testbed's models: a script, a loop, the command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reasonflux import ReasonFlux
from reasonflux.checkpoints import checkpoint_digest
from reasonflux.configuring import resolve_model
from reasonflux.errors import BadInput
from reasonflux.protocols import Sampling
from reasonflux.reasoning.methods.direct import Direct
from reasonflux.testbed.world import generate_problems
from tests.hub_server import hub_server
from tests.integration.conftest import Engine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
ROOT = Path(__file__).parents[2]

SCRIPT = """
import asyncio, json, sys
from reasonflux import ReasonFlux
from reasonflux.cli.main import main as command
from reasonflux.protocols import Request, Sampling
from reasonflux.records import Message
from reasonflux.reasoning.methods.mcts import Mcts

def main():
    problems = json.loads(sys.argv[1])
    assert command(["solve", problems[0]]) == 0
    with ReasonFlux() as flux:
        first = flux.reason(problems[0], max_iter=2)

        async def rest():
            return await asyncio.gather(*[flux.areason(problem, max_iter=2) for problem in problems])

        solutions = asyncio.run(rest())
        again = flux.reason(problems[0], max_iter=2)
        direct = flux._tools.prompts.render("direct", problem=type("P", (), {"text": problems[0]}))
        whole = Request(id="00000001", messages=direct, sampling=Sampling(temperature=0, max_tokens=160), seed=1)
        ask = lambda request: flux._loop.submit(flux._tools.reasoner.generate([request])).result()[0].text
        text = ask(whole)
        start = text.splitlines(keepends=True)[0]
        started = Request(**{**whole.__dict__, "messages": (*direct, Message(role="assistant", content=start))})
        rest_of_it = ask(started)
    print(json.dumps({
        "solutions": [solution.to_dict() for solution in solutions],
        "texts": [[exchange.text for exchange in one.exchanges] for one in (first, again)],
        "print": str(first), "whole": text, "continued": start + rest_of_it,
    }))

if __name__ == "__main__":  # vLLM starts its engine in a new process
    main()
"""


PROBLEMS = generate_problems(12, "gate", seed=1)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> "subprocess.CompletedProcess[str]":
    """The command, then the script, in one process: vLLM is imported once."""
    script = tmp_path_factory.mktemp("face") / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), json.dumps([problem.text for problem in PROBLEMS])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, env=_environment())
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def test_models_in_this_process_answer_a_script_and_a_loop_and_go_on_from_a_started_answer(
    done: "subprocess.CompletedProcess[str]",
) -> None:
    told = json.loads(done.stdout.splitlines()[-1])
    solutions = told["solutions"]
    assert [one["failure"] for one in solutions] == [None] * len(PROBLEMS)
    correct = sum(one["answer"] == problem.gold for one, problem in zip(solutions, PROBLEMS, strict=True))
    assert correct >= 2  # about half of the likeliest plans are right
    assert told["texts"][0] == told["texts"][1]
    assert "answer: " in told["print"]
    assert told["continued"] == told["whole"]


def test_the_command_streams_the_trajectory(done: "subprocess.CompletedProcess[str]") -> None:
    assert "navigator · navigator" in done.stdout
    assert "answer: " in done.stdout
    assert done.stdout.startswith("navigator · navigator")  # and not with the engine's log


def test_a_model_of_the_hub_serves_a_role_and_one_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    (problem,) = generate_problems(1, "gate", seed=2)
    model = resolve_model("testbed:reasoner")
    with hub_server({"lab/reasoner": Path(model)}) as endpoint:
        environment = _environment() | {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path)}

        def solve(name: str) -> "subprocess.CompletedProcess[str]":
            command = [sys.executable, "-m", "reasonflux", "solve", problem.text, "--navigator", name]
            command += ["--prompts", "plain", "--method", "direct", "--json"]
            return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, env=environment)

        done, missing = solve("lab/reasoner"), solve("lab/nobody")
    assert done.returncode == 0, done.stderr[-3000:]
    (exchange,) = json.loads(done.stdout)["exchanges"]
    assert exchange["usage"]["checkpoint"] == checkpoint_digest(model)
    assert missing.returncode == 2
    (line,) = [line for line in missing.stderr.splitlines() if "lab/nobody" in line]
    assert "cannot be fetched from the Hub" in line


def test_a_serve_application_and_its_handle_serve_a_role(tiny_engine: Engine) -> None:
    from ray import serve

    for named in (f"serve:{tiny_engine.name}", serve.get_app_handle(tiny_engine.name)):
        with ReasonFlux(named, method=Direct(), inference_sampling=Sampling(max_tokens=8), deadline_s=60) as flux:
            solution = flux.reason("6 times 7?")
        assert solution.failure is None
        assert solution.exchanges[0].usage.checkpoint == tiny_engine.checkpoint
    with pytest.raises(BadInput, match="no Serve application nobody runs"):
        ReasonFlux("serve:nobody")


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}
