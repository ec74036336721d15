"""A benchmark run's stages, results and exports, with scripted models and without Ray."""

import io
import json
import pickle
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from reasonflux.cli.main import main
from reasonflux.distributed import benchmarking
from reasonflux.errors import BadInput
from reasonflux.evals.results import Results, marks_of
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store
from tests.scripted import ScriptedGenerate
from tests.unit.evals.runs import Inside, run_suite, suite


@pytest.fixture(autouse=True)
def grading_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarking, "Verifier", Inside)


async def test_every_problem_method_model_and_sample_is_a_row_with_all_that_it_was_made_of(tmp_path: Path) -> None:
    bound, shards, results = await run_suite(suite(tmp_path))
    assert pickle.loads(pickle.dumps(bound)).config == bound.config
    assert shards == 4  # two problems a shard, and never two benchmarks
    assert [(one.benchmark, one.method, one.problems, one.samples) for one in results.scores] == [
        ("sums", "direct", 5, 2),
        ("sums", "best_of_3", 5, 2),
        ("first", "direct", 1, 1),
        ("first", "best_of_3", 1, 1),
    ]
    assert [one.pass_at_1.mean for one in results.scores] == [0.6, 0.6, 1.0, 1.0]
    assert results.scores[1].requests == 3
    table = pq.read_table(io.BytesIO(bound.run.store.read("results/samples/tiny/sums/best_of_3.parquet")))
    (row,) = [row for row in table.to_pylist() if (row["problem_id"], row["index"]) == ("sum/2", 1)]
    assert (row["verdict"], row["answer"], row["gold"], row["output"]) == ("correct", "3", "3", r"It is \boxed{3}.")
    assert {row["navigator"], row["reasoner"]} == {"digest"}
    assert row["prompts"] == bound.systems["tiny"].prompts.digest
    seeds = [exchange["seed"] for exchange in row["solution"]["exchanges"]]
    assert len(set(seeds)) == 3 and row["seed"] in seeds


@pytest.mark.slow
async def test_more_samples_keep_the_ids_of_the_first_ones_and_another_seed_draws_anew(tmp_path: Path) -> None:
    ids = {}
    for name, seed, samples in (("few", 0, 1), ("many", 0, 3), ("other", 1, 1)):
        changed = suite(tmp_path, name=name, seed=seed).model_dump(mode="json")
        changed["benchmarks"]["sums"]["protocol"]["samples"] = samples
        bound, shards, _ = await run_suite(type(suite(tmp_path)).model_validate(changed))
        ids[name] = {row for shard in range(shards) for row in bound.trials("tiny").read(shard)["id"].to_pylist()}
    assert ids["few"] < ids["many"]
    assert not ids["few"] & ids["other"]


async def test_results_are_read_back_and_written_again_alike(tmp_path: Path) -> None:
    bound, _, results = await run_suite(suite(tmp_path))
    again = Results.read(bound.run)
    assert again == results and again.digest == results.digest
    shares = [results.gpu_seconds(one) for one in results.scores]
    assert sum(shares) == pytest.approx(8) and shares[1] > shares[0]
    files = {name: bound.run.store.read(name) for name in bound.run.store.list("results/")}
    assert {name.rpartition(".")[2] for name in files} == {"parquet", "jsonl", "eval"}
    _, _, other = await run_suite(suite(tmp_path, output={"root": str(tmp_path / "again")}))
    assert other.digest == results.digest
    assert "60.0" in str([cell for column in results.table().columns for cell in column.cells])
    with pytest.raises(BadInput, match=r"has no results\.json"):
        Results.read(Run(Store.at(tmp_path / "nothing")))


async def test_the_samples_log_is_that_of_lm_evaluation_harness(tmp_path: Path) -> None:
    bound, _, _ = await run_suite(suite(tmp_path))
    log = bound.run.store.read("results/lm_eval/tiny/samples_sums_direct_2026-11-21T17-00-00.jsonl").decode()
    lines = [json.loads(line) for line in log.splitlines()]
    assert [line["doc_id"] for line in lines] == [0, 1, 2, 3, 4]
    first = lines[0]
    assert (first["target"], first["filtered_resps"], first["exact_match"]) == ("1", ["1", "1"], 1.0)
    assert first["resps"] == [[r"It is \boxed{1}."] * 2]
    assert json.loads(first["arguments"]["gen_args_0"]["arg_0"])[0]["role"] == "user"
    assert set(first["metrics"]) <= first.keys()


async def test_the_judge_stands_beside_the_grader_and_disagreement_is_told(tmp_path: Path) -> None:
    lenient = ScriptedGenerate(lambda request: "same")
    _, _, results = await run_suite(suite(tmp_path, judge={"model": "j", "device": "cpu"}), lenient)
    judged = sum(one.judged for one in results.scores)
    wrong = sum(one.verdicts["wrong"] for one in results.scores)
    assert judged == sum(one.verdicts["wrong"] + one.verdicts["correct"] for one in results.scores)
    assert results.words() == (f"judge and grader disagree on {wrong} of {judged} answers",)
    assert results.scores[0].pass_at_1.mean == 0.6  # the grader's


async def test_the_command_compares_two_methods_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bound, _, _ = await run_suite(suite(tmp_path))
    assert len(marks_of(bound.run)) == 4
    place = bound.run.store.uri
    assert main(["compare", f"{place}#direct", f"{place}#best_of_3@tiny", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["benchmark"], row["problems"], row["difference"]) for row in rows] == [("sums", 5, 0), ("first", 1, 0)]
    assert main(["compare", f"{place}#direct", f"{place}#mcts"]) == 2
    assert "It has best_of_3@tiny, direct@tiny" in capsys.readouterr().err
    assert main(["compare", place, place]) == 0
    assert "p, Holm" in capsys.readouterr().out
