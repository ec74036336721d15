"""What of a suite is known to be wrong before anything starts, which engines it needs, and what a plan tells."""

from pathlib import Path
from typing import Any

import pytest

from reasonflux.clusters import load_cluster
from reasonflux.configuring import load_config
from reasonflux.distributed import benchmark_checks
from reasonflux.distributed.benchmark_checks import JUDGE, check_benchmarks, engine_keys, specs_of
from reasonflux.distributed.benchmark_run import lists_at_once
from reasonflux.distributed.benchmarking import solving_worker
from reasonflux.endpoint import Endpoint
from reasonflux.errors import BadInput
from reasonflux.evals.suite import BenchmarkJob
from reasonflux.testbed.world import generate_problems
from tests.unit.test_cluster_plan import WEIGHTS

SUITES = Path(__file__).parents[3] / "benchmarks" / "suites"
URL = "http://host:8000/v1#some/model"
SET: dict[str, Any] = {"one": {"set": "math500", "protocol": "greedy"}}


def suite(models: dict[str, Any], **changes: Any) -> BenchmarkJob:
    values = {"name": "s", "benchmarks": SET, "models": models, "methods": {"direct": {}, "guided": {}}}
    return BenchmarkJob.model_validate(values | changes)


def test_equal_specs_are_one_engine_and_endpoints_are_none_of_ours() -> None:
    small, large = {"model": "small", "device": "cpu"}, {"model": "large", "device": "cpu"}
    config = suite(
        {
            "a": {"navigator": small, "reasoner": large},
            "b": {"navigator": small},
            "c": {"navigator": URL, "reasoner": large},
        },
        judge={"model": "judge", "device": "cpu"},
    )
    assert list(specs_of(config)) == ["a-navigator", "a-reasoner", JUDGE]
    assert engine_keys(config, "a") == ("a-navigator", "a-reasoner")
    assert engine_keys(config, "b") == ("a-navigator", "a-navigator")
    assert engine_keys(config, "c") == (URL, "a-reasoner")


def test_engines_are_placed_on_a_cluster_one_model_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark_checks, "weights_of", lambda spec: None)
    engine = {"model": "owner/large", "tensor_parallel": 4, "replicas": 2}
    models = {"a": {"navigator": engine}, "b": {"navigator": engine | {"max_model_len": 4096}}, "c": {"navigator": URL}}
    there = check_benchmarks(suite(models)).plan(load_cluster("a100-8")).cluster
    assert there is not None
    assert {place.role: place.replicas for place in there.engines} == {"a-navigator": 2, "b-navigator": 2}
    assert there.words()[-1].startswith("hours and cost: not estimated"), "nobody knows how large they are"
    wide = suite({"a": {"navigator": engine, "reasoner": engine | {"max_model_len": 4096}}})
    with pytest.raises(BadInput, match=r"2 replica\(s\) of 4 GPU\(s\) do not fit on a100-8, 0 would"):
        check_benchmarks(wide).plan(load_cluster("a100-8"))


def test_a_suite_s_tokens_hours_and_cost_on_a_cluster_are_those_of_its_models_in_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(benchmark_checks, "weights_of", lambda spec: WEIGHTS)
    large = {"model": "large", "tensor_parallel": 4, "dtype": "bfloat16"}
    models = {"a": {"navigator": large}, "b": {"navigator": large | {"max_model_len": 4096}, "reasoner": URL}}
    sampling = {"samples": 2, "navigator": {"max_tokens": 100}, "reasoner": {"max_tokens": 1000}}
    config = suite(models, benchmarks={"one": {"set": "math500", "protocol": sampling}}, judge=large)
    plan = check_benchmarks(config).plan(load_cluster("a100-8"))
    rows = {stage.name: stage for stage in plan.stages}
    assert {name: (stage.rows, stage.output_tokens) for name, stage in rows.items()} == {
        "one: direct, a": (1000, 1_000_000),
        "one: guided, a": (1000, 1_100_000),
        "one: direct, b": (1000, 1_000_000),
        "one: guided, b": (1000, 1_100_000),
        "judge": (4000, 32_000),
    }
    there = plan.cluster
    assert there is not None and there.hours is not None
    assert list(there.hours) == ["a", "b", JUDGE]
    assert there.hours["a"] > 4 * there.hours["b"] > 0, "of b the plans alone are made here"
    assert there.dollars == pytest.approx(sum(there.hours.values()) * load_cluster("a100-8").dollars_per_hour)
    theirs = sum(stage.output_tokens for stage in plan.stages) - 2 * 1_000_000  # of b's reasoner
    assert theirs < there.tokens < theirs + sum(stage.prompt_tokens for stage in plan.stages)
    assert any(line.startswith("cost: about") for line in there.words())


def test_a_clients_trials_fill_the_engines_of_a_cluster_and_a_suite_may_say_otherwise() -> None:
    engine = {"model": "small", "max_num_seqs": 256}
    models = {
        "one": {"navigator": engine},
        "many": {"navigator": engine | {"replicas": 16}},
        "theirs": {"navigator": URL},
    }
    config = suite(models, stream={"clients": 2, "rows_per_part": 64})
    assert [lists_at_once(config, model) for model in models] == [8, 2 * 16 * 256 // 2 // 64, 8]
    told = suite(models, stream={"calls_in_flight": 3})
    assert {lists_at_once(told, model) for model in models} == {3}


def test_v11_two_endpoints_are_asked_by_their_names(tmp_path: Path) -> None:
    checked = check_benchmarks(suite({"two": {"navigator": URL, "reasoner": "https://other/v1#reasons"}}))
    systems = checked.systems({})
    assert (systems["two"].navigator, systems["two"].reasoner) == (URL, "https://other/v1#reasons")

    class Settings:
        config = checked.config

    worker = solving_worker(Settings(), "two", *engine_keys(checked.config, "two"))  # type: ignore[arg-type]
    assert worker._generate == (Endpoint("some/model", "http://host:8000/v1"), Endpoint("reasons", "https://other/v1"))
    assert [one.checkpoint for one in worker._generate] == [systems["two"].navigator, systems["two"].reasoner]


@pytest.mark.parametrize(
    ("models", "changes", "said"),
    [
        ({"m": {"navigator": {"model": "x"}, "prompts": "nowhere"}}, {}, r"models\.m: no prompt"),
        ({"m": {"navigator": {"model": "x"}, "library": "nowhere.json"}}, {}, r"models\.m: there is no nowhere\.json"),
        ({"m": {"navigator": {"model": "x"}, "prompts": "v2"}}, {"methods": {"interplay": {}}}, "needs"),
        ({"m": {"navigator": {"model": "x", "engine_args": {"max_seqs": 1}}}}, {}, "m-navigator: engine_args.max_seqs"),
    ],
)
def test_what_a_model_lacks_is_told_with_its_name(models: Any, changes: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        check_benchmarks(suite(models, **changes))


def test_e1_a_plan_counts_solutions_and_reads_nothing_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark_checks, "weights_of", lambda spec: None)  # nor asks it for weights
    config = load_config(
        BenchmarkJob, SUITES / "paper_v2.yaml", ["models.v2-32b.navigator.model=m", "models.v2-32b.reasoner.model=n"]
    )
    plan = check_benchmarks(config).plan()
    rows = {stage.name: stage.rows for stage in plan.stages}
    assert rows["gpqa_diamond: guided, v2-32b"] == 198
    assert sum(rows.values()) == 2 * (500 + 30 + 30 + 198)
    assert {key: engine.gpus for key, engine in plan.engines.items()} == {"v2-32b-navigator": 4, "v2-32b-reasoner": 4}
    f1 = check_benchmarks(load_config(BenchmarkJob, SUITES / "f1.yaml")).plan()
    assert {stage.name: stage.rows for stage in f1.stages}["aime25: direct, f1-32b"] == 30 * 16
    assert list(f1.engines) == ["f1-32b-navigator"]


def test_the_testbed_s_suite_is_of_its_final_problems() -> None:
    config = load_config(BenchmarkJob, SUITES / "testbed.yaml")
    checked = check_benchmarks(config)
    assert list(checked.problems()["final"]) == generate_problems(108, "final", 0)
    assert checked.facts()["final"]["verified"] is None
