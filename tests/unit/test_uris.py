"""Which places may be named, and that what is refused is not repeated."""

from collections.abc import Callable
from pathlib import Path

import pytest

from reasonflux.config import LibraryJob, PairsJob
from reasonflux.configuring import load_config
from reasonflux.distributed import deployment
from reasonflux.distributed.benchmark_checks import check_benchmarks
from reasonflux.distributed.engine_options import GUARDED
from reasonflux.distributed.library_building import check_library_job
from reasonflux.distributed.places import named_places
from reasonflux.distributed.preflight import check_inputs
from reasonflux.distributed.roles import Engines
from reasonflux.distributed.rounds_checks import check_rounds, plan_rounds
from reasonflux.distributed.train_preflight import check_training
from reasonflux.endpoint import Endpoint
from reasonflux.errors import BadInput
from reasonflux.evals.suite import BenchmarkJob
from reasonflux.rounds.config import RoundsJob
from reasonflux.training.recipe import TrainingRecipe
from reasonflux.uris import check_places

ROOT = Path(__file__).parents[2]
SECRET = "canary7Q"
ENGINE = {"model": "testbed:navigator", "device": "cpu"}


@pytest.mark.parametrize(
    "place",
    ["runs", "~/runs", "/data/a@b", "s3://bucket/a", "gs://bucket", "hf://owner/name@main", "file:///data", "", None],
)
def test_paths_and_object_stores_are_taken(place: str | None) -> None:
    check_places({"output.root": place})


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("http://host/set.jsonl", "problems.path: http:// is not a place"),
        ("ftp://host/set.jsonl", "ftp:// is not"),
        ("simplecache::http://host/a", "simplecache::http:// is not"),
        ("github://owner:name@sha/a", "github:// is not"),
        ("memory://a", "memory:// is not"),
        (f"s3://AKIA:{SECRET}@bucket/a", "the s3:// URI holds credentials"),
        (f"S3://{SECRET}@bucket/a", "holds credentials"),
        (f"az://container/a?sv=1&sig={SECRET}", "holds credentials"),
        (f"s3://bucket/a?X-Amz-Signature={SECRET}", "holds credentials"),
    ],
)
def test_everything_else_is_refused_without_repeating_it(place: str, told: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_places({"output.root": "runs", "problems.path": place})
    assert told in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_scheme_can_be_allowed_by_the_one_who_runs_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REASONFLUX_SCHEMES", "memory,https")
    check_places({"problems.path": "memory://a", "library": "https://host/library.json"})


@pytest.mark.parametrize(
    "name", ["AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "OPENAI_API_KEY", "REDIS_PASSWORD", "GOOGLE_APPLICATION_CREDENTIALS"]
)
def test_a_config_takes_no_secret_out_of_the_environment(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, SECRET)
    path = tmp_path / "job.yaml"
    path.write_text(f"name: ${{oc.env:{name}}}\n")
    with pytest.raises(BadInput) as caught:
        load_config(PairsJob, path)
    assert name in str(caught.value) and SECRET not in str(caught.value)


def job(**settings: object) -> PairsJob:
    given = {"name": "a", "problems": {"source": "testbed"}, "navigator": ENGINE, "reasoner": "navigator"}
    return PairsJob.model_validate(given | settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"output": {"root": f"s3://a:{SECRET}@b"}},
        {"output": {"dataset": f"s3://a:{SECRET}@b"}},
        {"problems": {"source": "jsonl", "path": f"s3://a:{SECRET}@b"}},
        {"library": f"s3://a:{SECRET}@b"},
        {"prompts": f"s3://a:{SECRET}@b"},
        {"navigator": ENGINE | {"model": f"s3://a:{SECRET}@b"}},
        {"reasoner": ENGINE | {"model": f"s3://a:{SECRET}@b"}},
    ],
)
def test_every_place_of_a_job_is_checked_before_anything_is_read(settings: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="holds credentials") as caught:
        check_inputs(job(**settings))
    assert SECRET not in str(caught.value)


def test_places_of_the_library_job_are_checked_too() -> None:
    config = LibraryJob.model_validate(
        {"name": "a", "problems": {"source": "jsonl", "path": "a"}, "proposer": {"model": f"s3://a:{SECRET}@b"}}
    )
    assert set(named_places(config)) >= {"output.root", "problems.path", "proposer.model"}
    with pytest.raises(BadInput, match=r"proposer\.model: .*holds credentials"):
        check_library_job(config)


def test_an_engines_token_is_not_set_in_a_config() -> None:
    assert "HF_TOKEN" in GUARDED["hf_token"]


@pytest.mark.parametrize("url", [f"http://user:{SECRET}@host/v1", f"https://host/v1?token={SECRET}"])
def test_an_endpoints_url_with_credentials_is_refused_wherever_one_is_named(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would stand on every completion, as the checkpoint that answered."""
    suite = {"name": "s", "benchmarks": {"one": {"set": "math500"}}, "methods": {"direct": {}}}
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    ways: list[Callable[[], object]] = [
        lambda: Endpoint("m", url),
        lambda: Endpoint("m"),
        lambda: Engines({}, 1.0).generates([url]),
        lambda: Engines({}, 1.0).generates([f"{url}#m"]),
        lambda: check_benchmarks(BenchmarkJob.model_validate(suite | {"models": {"a": {"navigator": f"{url}#m"}}})),
        lambda: check_benchmarks(
            BenchmarkJob.model_validate(
                suite | {"models": {"a": {"navigator": "http://host/v1#m"}}, "judge": f"{url}#m"}
            )
        ),
    ]
    for way in ways:
        with pytest.raises(BadInput, match="holds credentials") as caught:
            way()
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize("setting", ["base", "data", "output_root"])
def test_places_of_a_training_are_checked_too(setting: str) -> None:
    path = ROOT / "jobs/configs/train/testbed_navigator_dpo.yaml"
    given = {"data": "rows.jsonl", "output_root": "runs", setting: f"s3://a:{SECRET}@b"}
    recipe = load_config(TrainingRecipe, path, [f"{name}={value}" for name, value in given.items()])
    with pytest.raises(BadInput, match=f"{setting}: .*holds credentials") as caught:
        check_training(recipe)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("setting", ["navigator.model", "output.root", "modules.navigator.problems.path"])
def test_places_of_rounds_are_checked_too(setting: str) -> None:
    job = load_config(RoundsJob, ROOT / "jobs/configs/rounds/testbed.yaml", [f"{setting}=s3://a:{SECRET}@b", "seed=1"])
    for check in (check_rounds, plan_rounds):
        with pytest.raises(BadInput, match="holds credentials") as caught:
            check(job)
        assert SECRET not in str(caught.value)


def test_an_applications_model_is_checked_too() -> None:
    with pytest.raises(BadInput, match=r"args\.model: .*holds credentials"):
        deployment.engine({"model": f"s3://a:{SECRET}@b"})
