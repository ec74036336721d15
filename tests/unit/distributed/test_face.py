"""The Python face on scripted models: the published constructor, ours, scripts and running loops, and no memory."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reasonflux import ReasonFlux
from reasonflux.config import RetrievalConfig
from reasonflux.distributed import face as module
from reasonflux.errors import BadInput
from reasonflux.library.load import TemplateLibrary
from reasonflux.protocols import Request
from reasonflux.reasoning.methods.best_of_n import BestOfN
from reasonflux.reasoning.methods.direct import Direct
from reasonflux.reasoning.methods.interplay import Interplay
from reasonflux.records import Decision, Exchange, ThoughtTemplate
from tests.scripted import ScriptedGenerate
from tests.unit.reasoning.builders import template
from tests.unit.reasoning.methods.test_interplay_v1 import TEXTS, asked_for
from tests.unit.test_endpoint import Server


def v1() -> ScriptedGenerate:
    """A model that answers all of v1's prompts."""
    return ScriptedGenerate(lambda request: TEXTS[asked_for(request)])


def flux(**settings: Any) -> Any:
    generate = v1()
    return ReasonFlux(**{"navigator_path": generate, "inference_path": generate, "template_path": "testbed"} | settings)


def test_the_published_constructor_answers_with_answer_trajectory_and_evaluation() -> None:
    with flux() as face:
        solution = face.reason("What is the least value of x^2 + 6x?", max_iter=10)
    assert solution.answer == "-9"
    assert len(solution.steps) == 2
    assert [decision.action for decision in solution.decisions] == ["continue", "continue"]
    assert "answer: -9" in str(solution)
    assert json.loads(json.dumps(solution.to_dict()))["answer"] == "-9"


def test_max_iter_bounds_the_rounds() -> None:
    with flux() as face:
        assert face.reason("x?", max_iter=1).rounds == 1
        assert face.reason("x?", max_iter=0).rounds == 0


async def test_inside_a_running_loop_both_twins_work() -> None:
    """A notebook has a running loop."""
    with flux() as face:
        blocking = face.reason("x?")
        waiting = await asyncio.gather(*[face.areason(f"x{number}?") for number in range(20)])
    assert {one.answer for one in (blocking, *waiting)} == {"-9"}
    assert len({one.problem_id for one in waiting}) == 20


def test_no_state_is_left_between_problems() -> None:
    generate = v1()
    with flux(navigator_path=generate, inference_path=generate) as face:
        first = face.reason("x?")
        face.reason("another?")
        again = face.reason("x?")
    assert [exchange.prompt for exchange in first.exchanges] == [exchange.prompt for exchange in again.exchanges]
    assert first.id == again.id


def test_i8_the_reasoner_is_the_navigator_where_none_is_named() -> None:
    generate = v1()
    with flux(navigator_path=generate, inference_path=None) as face:
        assert face.reason("x?").tokens("reasoner") > (0, 0)
    assert {asked_for(request) for request in generate.requests} >= {"navigator", "step", "answer"}


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_v3_v11_two_endpoints_serve_the_two_roles_and_v2_is_sampled_as_published(server: Server) -> None:
    with ReasonFlux(f"{server.url}#thinking", inference_path=f"{server.url}#good", prompts="v2") as face:
        solution = face.reason("x?")
    assert solution.answer == "5"
    assert [asked["model"] for asked in server.asked] == ["thinking", "good"]
    v3 = {"temperature": 0.7, "top_p": 0.8, "top_k": 20, "presence_penalty": 1.5}
    assert all(asked.items() >= v3.items() for asked in server.asked)
    assert (server.asked[0]["max_tokens"], server.asked[1]["max_tokens"]) == (16_384, 32_768)


def test_an_endpoint_with_one_model_needs_no_name_and_one_with_more_does(server: Server) -> None:
    with ReasonFlux(server.url, method=Direct(), prompts="v2") as face:
        assert face.reason("x?").answer == "5"
    server.models.append("better")
    with pytest.raises(BadInput, match=r"serves 2 models.*#MODEL, of good, better"):
        ReasonFlux(server.url)


def test_i9_v1_is_sampled_as_published() -> None:
    generate = v1()
    with flux(navigator_path=generate, inference_path=generate) as face:
        face.reason("x?")
    used = {(one.sampling.temperature, one.sampling.top_p, one.sampling.max_tokens) for one in generate.requests}
    assert used == {(0.6, 0.95, 3072)}


def test_r3_templates_are_retrieved_by_the_matcher_for_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    queries: list[str] = []

    async def retrieve(query: str, k: int) -> list[tuple[ThoughtTemplate, float]]:
        queries.append(query)
        return [(template("Complete the square"), 0.9)]

    opened: list[tuple[str, str]] = []

    def opens(library: TemplateLibrary, config: RetrievalConfig) -> Any:
        opened.append((library.source, config.model))
        return retrieve

    monkeypatch.setattr(module, "open_retrieval", opens)
    with flux(template_matcher_path="a model") as face:
        solution = face.reason("x?")
    assert opened == [("testbed", "a model")]
    assert len(queries) == 2
    assert solution.retrieved == ("id of Complete the square",)


def test_another_matcher_or_library_gives_other_solutions() -> None:
    class Retrieves:
        def __init__(self, digest: str) -> None:
            self.digest = digest

        async def __call__(self, query: str, k: int) -> list[tuple[ThoughtTemplate, float]]:
            return []

    ids = []
    for retrieve in (None, Retrieves("one"), Retrieves("retrained"), Retrieves("one")):
        with flux(retrieve=retrieve) as face:
            ids.append(face.reason("x?").id)
    assert len(set(ids)) == 3 and ids[1] == ids[3]


def test_any_method_and_an_observer_can_be_given() -> None:
    seen: list[Exchange | Decision] = []
    with flux(method=BestOfN(n=3), navigator_path=ScriptedGenerate({"": r"\boxed{1}"}), inference_path=None) as face:
        assert face.reason("x?", observe=seen.append).method == "best_of_n"
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"navigator_path": "/nowhere/at/all"}, "no model at /nowhere/at/all"),
        ({"navigator_path": "testbed:nobody"}, "no model 'nobody'"),
        ({"template_path": "/nowhere.json"}, "there is no /nowhere.json"),
        ({"prompts": "/nowhere"}, "no prompt"),
        ({"prompts": "v2", "method": Interplay()}, r"interplay needs step.jinja, evaluate.jinja"),
        ({"navigator_path": "http://127.0.0.1:9/v1"}, "does not list its models"),
        ({"template_path": None, "template_matcher_path": "m"}, "there is none"),
        ({"navigator_path": "testbed:navigator", "engine": {"replica": 1}}, "engine: replica"),
    ],
)
def test_bad_input_is_refused_before_anything_starts(settings: dict[str, Any], told: str) -> None:
    threads = threading.active_count()
    with pytest.raises(BadInput, match=told):
        flux(**settings)
    assert threading.active_count() <= threads  # a loop that was begun has ended


@pytest.mark.parametrize("problem", ["", " \n"])
def test_an_empty_problem_is_refused(problem: str) -> None:
    with flux() as face, pytest.raises(BadInput, match="the problem is empty"):
        face.reason(problem)


def test_a_closed_face_says_so() -> None:
    face = flux()
    face.close()
    with pytest.raises(BadInput, match="closed"):
        face.reason("x?")


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = "import sys, reasonflux; assert not {'ray', 'torch', 'vllm', 'jinja2', 'pydantic'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[3], check=True)


def test_a_request_without_a_script_is_not_lost_in_the_thread() -> None:
    def broken(request: Request) -> str:
        raise KeyError("no script")

    with flux(navigator_path=ScriptedGenerate(broken), inference_path=None) as face, pytest.raises(KeyError):
        face.reason("x?")
