"""Suites: every shipped one parses, and what is wrong in one is told before anything starts."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from reasonflux.config import EngineSpec
from reasonflux.configuring import dump_config, load_config
from reasonflux.errors import BadInput
from reasonflux.evals import benchmark_problems
from reasonflux.evals.benchmark_problems import expected_problems, load_benchmark
from reasonflux.evals.sampling_protocols import PROTOCOLS
from reasonflux.evals.suite import Benchmark, BenchmarkJob, build_method
from reasonflux.reasoning.methods.best_of_n import BestOfN
from reasonflux.testbed.world import generate_problems

SUITES = sorted((Path(__file__).parents[3] / "benchmarks" / "suites").glob("*.yaml"))
UNSET = {
    "paper_v1": ["models.v1-32b.navigator.model=m", "models.v1-32b.library=l.json"],
    "paper_v2": ["models.v2-32b.navigator.model=m", "models.v2-32b.reasoner.model=n"],
    "aime_methods": ["models.v1-32b.navigator.model=m", "models.v1-32b.library=l.json"],
    "aime_navigators": [
        f"models.{name}.{field}"
        for name in ("starting", "trained")
        for field in ("navigator.model=m", "library=l.json")
    ],
    "base_models": [
        "benchmarks.similar.problems.path=p.jsonl",
        *(f"models.{name}.library=l.json" for name in ("qwen25-7b", "qwen25-math-7b", "qwen25-32b")),
    ],
}
SUITE: dict[str, Any] = {
    "name": "small",
    "benchmarks": {"sums": {"problems": {"source": "testbed", "split": "gate", "count": 3}, "protocol": "greedy"}},
    "models": {"one": {"navigator": {"model": "m"}}},
    "methods": {"direct": {}},
}


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_e1_a_shipped_suite_parses_and_is_the_same_when_written_out(path: Path, tmp_path: Path) -> None:
    suite = load_config(BenchmarkJob, path, UNSET.get(path.stem, ()))
    assert suite.built_methods()
    (tmp_path / "again.yaml").write_text(dump_config(suite), encoding="utf-8")
    assert load_config(BenchmarkJob, tmp_path / "again.yaml") == suite


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"benchmarks": {"x": {"set": "math501"}}}, "there is no set math501"),
        ({"benchmarks": {"x": {"set": "math500", "protocol": "avg@3"}}}, "there is no protocol avg@3"),
        ({"benchmarks": {"x": {"set": "math500", "grader": "vibes"}}}, "there is no grader vibes"),
        ({"benchmarks": {"x": {}}}, "name either a set or problems"),
        ({"benchmarks": {"a/b": {"set": "math500"}}}, "should match pattern"),
        ({"benchmarks": {}}, "at least 1"),
        ({"methods": {"best": {"method": "best_of_n", "m": 4}}}, "best_of_n has no setting m. It has n, of, select"),
        ({"methods": {"magic": {}}}, "there is no method magic"),
        ({"methods": {"best_of_n": {"n": "many"}}}, "best_of_n: n: Input should be a valid integer"),
        ({"methods": {"best_of_n": {"n": 0}}}, "n is 0"),
        ({"models": {"one": {"navigator": {"model": "m"}, "retrieval": {}}}}, "retrieval needs a library"),
    ],
)
def test_what_is_wrong_in_a_suite_is_told(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        BenchmarkJob.model_validate(SUITE | change)


def test_a_method_is_made_of_its_settings() -> None:
    assert build_method("best_of_4", {"method": "best_of_n", "n": 4}) == BestOfN(n=4)
    with pytest.raises(BadInput, match="There are direct"):
        build_method("nothing", {})


def test_grader_and_protocol_are_the_set_s_and_the_named_one() -> None:
    assert Benchmark(set="aime24").grader_name == "integer"
    assert Benchmark(set="aime24", grader="math").grader_name == "math"
    assert Benchmark(set="aime24").sampling == PROTOCOLS["avg@16"]
    same = {"navigator": EngineSpec(model="m"), "reasoner": EngineSpec(model="m")}
    model = BenchmarkJob.model_validate(SUITE | {"models": {"one": same}}).models["one"]
    assert (model.reasoner, model.reasoner_spec) == ("navigator", EngineSpec(model="m"))


def test_a_sample_of_a_set_is_equal_for_equal_seeds_and_keeps_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems = tuple(generate_problems(20, "gate", 0))
    loaded = SimpleNamespace(problems=problems, digest="d", verified=None, without_gold=0)
    monkeypatch.setattr(benchmark_problems, "load_set", lambda *_, **__: loaded)
    sampled = Benchmark(set="aime_1983_2023", sample=8)
    first = load_benchmark("aime", sampled, 0).problems
    assert first == load_benchmark("aime", sampled, 0).problems != load_benchmark("aime", sampled, 1).problems
    assert len(first) == 8 and list(first) == sorted(first, key=problems.index)
    assert load_benchmark("aime", Benchmark(set="aime_1983_2023", sample=30), 0).problems == problems
    assert expected_problems(Benchmark(set="aime_1983_2023", sample=200), 0).problems == 200


def test_problems_of_any_source_are_a_benchmark_and_a_plan_takes_the_hub_at_its_word() -> None:
    suite = BenchmarkJob.model_validate(SUITE)
    loaded = load_benchmark("sums", suite.benchmarks["sums"], 0)
    facts = loaded.facts(suite.benchmarks["sums"])
    assert (facts["problems"], facts["grader"], facts["protocol"], facts["verified"]) == (3, "math", "greedy", None)
    assert expected_problems(Benchmark(set="gaokao2023en"), 0).problems == 383
    assert expected_problems(Benchmark(set="math500", limit=7), 0).problems == 7
    sums = expected_problems(suite.benchmarks["sums"], 0)
    assert (sums.problems, sums.mean_characters) == (3, sum(len(one.text) for one in loaded.problems) / 3)
    with pytest.raises(BadInput, match=r"benchmarks\.mine: there is no nothing\.jsonl"):
        load_benchmark("mine", Benchmark(set="math500", path="nothing.jsonl"), 0)
