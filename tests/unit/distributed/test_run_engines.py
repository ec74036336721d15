"""The engines of one run: which are started, which are taken over, and that nobody else's are deleted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from reasonflux.config import EngineSpec
from reasonflux.distributed import run_engines
from reasonflux.distributed.run_engines import RunEngines
from reasonflux.errors import EngineError

NAVIGATOR, REASONER = EngineSpec(model="plans"), EngineSpec(model="solves")


@dataclass
class Serve:
    """Ray Serve as the room sees it: applications that run, and what was asked of it."""

    applications: set[str] = field(default_factory=set)
    digests: dict[str, str] = field(default_factory=dict)  # what applications serve
    started: list[dict[str, tuple[str, str]]] = field(default_factory=list)  # a call: application to model and digest
    fails: bool = False
    keeps: str = ""  # what applications serve whatever they are given

    def deploy(self, engines: Mapping[str, EngineSpec], *, checkpoints: Mapping[str, str], rows_per_call: int) -> None:
        assert rows_per_call == 16
        self.started.append({name: (spec.model, checkpoints[name]) for name, spec in engines.items()})
        self.digests |= checkpoints
        self.applications |= set(engines)  # one that cannot start keeps its application
        if self.fails:
            raise EngineError("no GPU")

    def running(self, names: Iterable[str]) -> set[str]:
        return set(names) & self.applications

    def undeploy(self, *names: str) -> None:
        self.applications -= set(names)

    def serves(self, name: str) -> str:
        return self.keeps or self.digests[name]

    def stats(self, name: str) -> dict[str, int]:
        if name not in self.applications:
            raise RuntimeError("no such application")
        return {"requests": 7}


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    serve = Serve()
    for name in ("running", "serves", "undeploy", "stats"):
        monkeypatch.setattr(run_engines, name, getattr(serve, name))
    return serve


def engines(serve: Serve, **settings: Any) -> RunEngines:
    given: dict[str, Any] = {
        "run": "night",
        "specs": {"navigator": NAVIGATOR, "reasoner": REASONER},
        "checkpoints": {"navigator": "nav", "reasoner": "rea"},
        "rows_per_call": 16,
    }
    return RunEngines(**given | settings, deploy=serve.deploy)


def test_an_engine_starts_when_it_is_first_needed_and_once(serve: Serve) -> None:
    run = engines(serve)
    assert serve.started == []
    name = run.ready("navigator")
    assert run.ready("navigator") == name
    assert serve.started == [{name: ("plans", "nav")}]


def test_engines_asked_for_together_start_together(serve: Serve) -> None:
    run = engines(serve)
    name = run.ready("navigator", ("reasoner",))
    assert serve.started == [{name: ("plans", "nav"), run.name("reasoner"): ("solves", "rea")}]
    run.ready("reasoner")
    assert len(serve.started) == 1


def test_what_a_killed_driver_left_is_taken_over_and_what_it_lacks_is_started(serve: Serve) -> None:
    killed = engines(serve)
    left = killed.ready("navigator")
    run = engines(serve)
    assert run.ready("navigator", ("reasoner",)) == left
    assert serve.started[1:] == [{run.name("reasoner"): ("solves", "rea")}]
    run.stop()
    assert serve.applications == set()


@pytest.mark.parametrize(
    "other",
    [
        {"run": "day"},
        {"specs": {"navigator": NAVIGATOR.model_copy(update={"max_num_seqs": 8}), "reasoner": REASONER}},
        {"checkpoints": {"navigator": "newer", "reasoner": "rea"}},
    ],
)
def test_another_run_spec_or_checkpoint_is_another_engine(serve: Serve, other: dict[str, Any]) -> None:
    there = engines(serve).ready("navigator")
    run = engines(serve, **other)
    assert run.ready("navigator") != there
    run.stop()
    assert serve.applications == {there}, "only what a run started or took over is its to delete"


def test_one_engine_serves_both_roles(serve: Serve) -> None:
    run = engines(serve, specs={"navigator": NAVIGATOR}, checkpoints={"navigator": "nav", "reasoner": "nav"})
    assert run.ready("navigator", ("reasoner",)) == run.ready("reasoner") == run.name("navigator")
    assert serve.started == [{run.name("navigator"): ("plans", "nav")}]


def test_engines_that_a_later_model_needs_are_kept(serve: Serve) -> None:
    with engines(serve) as own:
        own.ready("navigator", ("reasoner",))
        own.stop(keep={"reasoner"})
        assert serve.applications == {own.name("reasoner")}
        own.ready("reasoner")
        assert len(serve.started) == 1
    assert not serve.applications


def test_engines_end_with_the_block_and_say_what_they_served(serve: Serve) -> None:
    serve.applications.add("somebody-elses")
    with engines(serve) as run:
        name = run.ready("navigator")
    assert serve.applications == {"somebody-elses"}
    assert run.served == {name: {"requests": 7}}


@pytest.mark.parametrize("fails", [True, False])
def test_engines_end_when_the_block_fails_even_those_that_never_ran(serve: Serve, fails: bool) -> None:
    def work() -> None:
        with engines(serve) as run:
            run.ready("reasoner")
            raise EngineError("later")

    serve.fails = fails
    with pytest.raises(EngineError, match="no GPU" if fails else "later"):
        work()
    assert serve.applications == set()


def test_after_a_stop_an_engine_starts_anew(serve: Serve) -> None:
    run = engines(serve)
    run.ready("navigator")
    run.stop()
    run.stop()  # nothing is left to delete
    run.ready("navigator")
    assert len(serve.started) == 2


def test_a_lasting_engine_lives_on_from_checkpoint_to_checkpoint(serve: Serve) -> None:
    run = engines(serve, lasting=True)
    name = run.ready("navigator")
    newer = NAVIGATOR.model_copy(update={"model": "plans-better", "digest": "nav2"})
    run.change("navigator", newer, "nav2")
    assert run.name("navigator") == name
    assert serve.started == [{name: ("plans", "nav")}], "an engine changes when it is next needed"
    assert run.ready("navigator") == run.ready("navigator") == name
    assert serve.started[1:] == [{name: ("plans-better", "nav2")}]
    run.stop()
    assert serve.applications == set()


def test_a_lasting_engine_of_a_killed_driver_is_given_what_is_expected_now(serve: Serve) -> None:
    name = engines(serve, lasting=True).ready("navigator", ("reasoner",))
    run = engines(serve, lasting=True, checkpoints={"navigator": "nav2", "reasoner": "rea"})
    assert run.ready("navigator") == name
    assert serve.started[1:] == [{name: ("plans", "nav2")}]


def test_a_lasting_engine_that_serves_something_else_all_the_same_is_not_used(serve: Serve) -> None:
    run = engines(serve, lasting=True)
    serve.keeps = "nav0"
    with pytest.raises(EngineError, match="serves nav0, not nav"):
        run.ready("navigator")


def test_a_changed_engine_that_is_not_asked_for_again_is_deleted_all_the_same(serve: Serve) -> None:
    with engines(serve, lasting=True) as run:
        run.ready("navigator")
        run.change("navigator", NAVIGATOR, "nav2")
    assert serve.applications == set()
