"""What a user may write in a config, and what they are told when it is wrong."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reasonflux.config import EngineSpec, LibraryJob, PairsJob
from reasonflux.configuring import dump_config, load_config, resolve_model
from reasonflux.errors import BadInput

CONFIGS = Path(__file__).parents[2] / "jobs" / "configs"
TESTBED = CONFIGS / "testbed.yaml"
# The first are parsed in tests/unit/testbed/test_recipe.py, the other one below
OTHER_JOBS = {*CONFIGS.glob("train_testbed*.yaml"), CONFIGS / "build_library.yaml"}
PAIRS_JOBS = set(CONFIGS.glob("*.yaml")) - OTHER_JOBS
TO_FILL_IN = {"math_train.yaml": ["problems.path=math_train.jsonl"]}


def wrong(*overrides: str, path: Path = TESTBED) -> list[str]:
    """The lines of the one error that these overrides of the testbed's config give."""
    with pytest.raises(BadInput) as caught:
        load_config(PairsJob, path, overrides)
    return [line.strip() for line in str(caught.value).splitlines()]


@pytest.mark.parametrize("path", sorted(PAIRS_JOBS), ids=lambda path: path.name)
def test_every_shipped_config_is_valid_and_survives_its_own_dump(path: Path, tmp_path: Path) -> None:
    config = load_config(PairsJob, path, TO_FILL_IN.get(path.name, []))
    dumped = tmp_path / "config.yaml"
    dumped.write_text(dump_config(config), encoding="utf-8")
    assert load_config(PairsJob, dumped) == config


def test_the_config_of_a_library_is_valid() -> None:
    config = load_config(LibraryJob, CONFIGS / "build_library.yaml", ["problems.path=mine.jsonl"])
    assert config.problems.fields.solution == "solution" and not config.allow_benchmark


def test_the_shipped_configs_say_what_their_names_promise() -> None:
    testbed = load_config(PairsJob, TESTBED)
    assert testbed.problems.source == "testbed"
    assert testbed.sampling.rollouts_own >= 4, "reasoner pairs need several rollouts of one problem under one plan"
    assert testbed.sampling.reasoner.temperature > 0
    cluster = load_config(PairsJob, CONFIGS / "a100_32b.yaml")
    assert cluster.reasoner == "navigator"
    assert cluster.navigator.device == "gpu"
    assert cluster.navigator.tensor_parallel == 4
    assert cluster.output.root.startswith("s3://")


def test_an_override_is_read_as_the_same_yaml_in_the_file_would_be() -> None:
    config = load_config(
        PairsJob,
        TESTBED,
        [
            "sampling.trajectories=3",
            "sampling.trajectories=4",
            "reasoner=navigator",
            "library_version=null",
            "sampling.navigator.stop=['=', b]",
            "navigator.engine_args.block_size=32",
            "output.root=s3://bucket/a=b",
            "verifier.deadline_s=1e-1",
        ],
    )
    assert config.sampling.trajectories == 4, "the last one wins"
    assert config.reasoner == "navigator"
    assert config.library_version is None
    assert config.sampling.navigator.stop == ("=", "b")
    assert config.navigator.engine_args == {"block_size": 32}
    assert config.output.root == "s3://bucket/a=b"
    assert config.verifier.deadline_s == 0.1
    assert config.sampling.rollouts_own == 4, "what is not named stays as the file has it"


def test_a_value_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REASONFLUX_TEST_BUCKET", "s3://from-outside")
    override = "output.root=${oc.env:REASONFLUX_TEST_BUCKET}"
    assert load_config(PairsJob, TESTBED, [override]).output.root == "s3://from-outside"
    monkeypatch.delenv("REASONFLUX_TEST_BUCKET")
    assert "REASONFLUX_TEST_BUCKET" in wrong(override)[0]


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("sampling.trajectory=8", "sampling.trajectory: unknown key; did you mean sampling.trajectories?"),
        ("trajectories=8", "trajectories: unknown key; did you mean sampling.trajectories?"),
        ("reasoner.modle=x", "reasoner.modle: unknown key; did you mean reasoner.model?"),
        ("similar.zzz=1", "similar.zzz: unknown key; similar has provider, count"),
        (
            "sampling.navigator.repetition_penalty=1.1",
            "sampling.navigator.repetition_penalty: unknown key; did you mean sampling.navigator.presence_penalty? "
            "What vLLM alone knows goes under sampling.navigator.extra",
        ),
        ("sampling.trajectories=0", "sampling.trajectories: got 0; should be greater than 0"),
        ("problems.source=csv", "problems.source: got 'csv'; should be 'testbed', 'jsonl', 'parquet' or 'hub'"),
        ("reasoner=navigatr", "reasoner: got 'navigatr'; should hold keys and values or should be 'navigator'"),
        ("sampling.navigator.stop=[1]", "sampling.navigator.stop.0: got 1; should be a string, in YAML's quotes: '1'"),
        ("library_version=2", "library_version: got 2; should be a string, in YAML's quotes: '2'"),
        ("navigator={model: null}", "navigator.model: got None; should be a valid string"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_its_place_and_what_is_allowed(override: str, told: str) -> None:
    assert wrong(override) == [f"{TESTBED}: {told}"]


def test_all_mistakes_come_in_one_error_one_line_each() -> None:
    lines = wrong("sampling.trajectory=8", "reasoner.device=tpu", "seed=x")
    assert lines[0] == f"{TESTBED}: 3 mistakes. Mend them:"
    assert sorted(line.split(":")[0] for line in lines[1:]) == ["reasoner.device", "sampling.trajectory", "seed"]


def test_a_long_value_is_not_printed_whole() -> None:
    (line,) = wrong(f"seed={'x' * 10_000}")
    assert len(line) < 300


@pytest.mark.parametrize("override", ["sampling", "=3", "sampling..n=3", "sampling.=3", ".n=3"])
def test_an_override_that_is_no_key_and_value_is_refused(override: str) -> None:
    assert wrong(override)[0].startswith(f"--set {override}: not of the form key=value")


def test_an_override_with_broken_yaml_is_refused() -> None:
    assert wrong("sampling={")[0].startswith("--set sampling={: ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: a\nproblems: [1\nseed: 0\n", ", line 3: "),
        ("name: a\nseed: 0\nname: b\n", ", line 3: found duplicate key name"),
        ("name: !!python/object/apply:os.getcwd []\n", ", line 1: could not determine a constructor"),
        ("- a\n", " does not hold keys and values"),
        ("name: a\nseed: ${nothing.here}\n", ": "),
        ("name: ???\n", ": name is not set"),
    ],
)
def test_a_file_that_is_no_config_is_refused_with_the_line_where_there_is_one(
    text: str, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    (line,) = wrong(path=path)
    assert line.startswith(f"{path}{told}")


def test_a_missing_value_says_how_to_give_it(tmp_path: Path) -> None:
    path = tmp_path / "short.yaml"
    path.write_text("name: short\nreasoner: navigator\nnavigator: {model: x}\n", encoding="utf-8")
    assert wrong(path=path) == [f"{path}: problems: is missing; add --set problems=VALUE or write it in the file"]


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert "there is no config file" in wrong(path=tmp_path / "absent.yaml")[0]
    assert "Is a directory" in wrong(path=tmp_path)[0]
    (tmp_path / "binary.yaml").write_bytes(b"name: \xff\xfe")
    assert "cannot be read" in wrong(path=tmp_path / "binary.yaml")[0]


def test_equal_configs_give_equal_text_and_defaults_are_written_out() -> None:
    one = EngineSpec(model="m", engine_args={"a": 1, "b": {"y": 2, "x": 3}})
    other = EngineSpec(model="m", engine_args={"b": {"x": 3, "y": 2}, "a": 1}, start_deadline_s=600.0)
    assert one == other
    assert dump_config(one) == dump_config(other)
    assert list(yaml.safe_load(dump_config(one))) == list(EngineSpec.model_fields)


@given(st.dictionaries(st.text("abc_", min_size=1, max_size=4), st.none() | st.booleans() | st.integers() | st.text()))
def test_free_keys_survive_the_dump(engine_args: dict[str, Any]) -> None:
    config = EngineSpec(model="m", engine_args=engine_args)
    assert EngineSpec.model_validate(yaml.safe_load(dump_config(config))) == config


def test_testbed_models_are_directories_of_the_package_and_others_stay() -> None:
    assert Path(resolve_model("testbed:reasoner")).parts[-3:] == ("testbed", "models", "reasoner")
    assert Path(resolve_model("testbed:navigator")).is_absolute()
    assert resolve_model("Qwen/Qwen2.5-32B-Instruct") == "Qwen/Qwen2.5-32B-Instruct"
    assert resolve_model("s3://bucket/testbed:x") == "s3://bucket/testbed:x"
    with pytest.raises(BadInput, match="testbed:navigator"):
        resolve_model("testbed:planner")
