"""What is wrong with a training is one line, before Ray or a GPU is touched."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from reasonflux.clusters import load_cluster
from reasonflux.configuring import load_config, resolve_model
from reasonflux.distributed import runtime
from reasonflux.distributed.train_preflight import Prepared, check_base, check_training
from reasonflux.distributed.training import train
from reasonflux.errors import BadInput
from reasonflux.storage.run import Run
from reasonflux.training.recipe import TrainingRecipe
from tests.unit.training.test_data import lines

CONFIGS = Path(__file__).parents[3] / "jobs" / "configs" / "train"
PAIR = {"prompt": "Q", "chosen": "1. a", "rejected": "1. b"}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return Path(shutil.copytree(resolve_model("testbed:navigator"), tmp_path / "base"))


@pytest.fixture
def check(base: Path, tmp_path: Path) -> Callable[..., Prepared]:
    def run(*overrides: str, rows: tuple[dict, ...] = (PAIR,)) -> Prepared:
        data = lines(tmp_path / "pairs.jsonl", *rows)
        sets = [f"data={data}", f"base={base}", f"output_root={tmp_path}", *overrides]
        prepared = check_training(load_config(TrainingRecipe, CONFIGS / "testbed_navigator_dpo.yaml", sets))
        check_base(prepared)
        return prepared

    return run


def test_steps_are_those_of_the_trainer(check: Callable[..., Prepared]) -> None:
    rows = tuple(PAIR | {"prompt": f"Q{number}"} for number in range(70))
    assert check(rows=rows).steps == 6  # 3 batches an epoch, twice
    sets = ("per_device_batch=4", "accumulation=3", "workers.count=2", "epochs=1.5")
    assert check(*sets, rows=rows).steps == 5  # 18 batches, 9 a worker, 3 steps an epoch
    assert check("accumulation=64").steps == 2


def without_template(base: Path) -> None:
    (base / "chat_template.jinja").unlink()


def pickled(base: Path) -> None:
    (base / "model.safetensors").rename(base / "pytorch_model.bin")


def without_tokenizer(base: Path) -> None:
    (base / "tokenizer.json").unlink()


def broken_tokenizer(base: Path) -> None:
    (base / "tokenizer.json").write_text("{")


def refusing_template(base: Path) -> None:
    (base / "chat_template.jinja").write_text("{{ raise_exception('no') }}")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (without_template, "has no chat template"),
        (pickled, "only pickled weights"),
        (without_tokenizer, "has no tokenizer.json"),
        (broken_tokenizer, "the tokenizer of .* cannot be read"),
        (refusing_template, "the chat template of .* refuses a row"),
    ],
)
def test_a_base_that_cannot_be_trained_is_refused(
    damage: Callable[[Path], None], told: str, base: Path, check: Callable[..., Prepared]
) -> None:
    damage(base)
    with pytest.raises(BadInput, match=told) as error:
        check()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("overrides", "rows", "told"),
    [
        (("base_digest=abcd",), (PAIR,), "base_digest asks for abcd"),
        (("cutoff=8",), (PAIR,), "1 of 1 rows|no row to train on: 1 over the cutoff"),
        (("cutoff=64",), (PAIR, PAIR | {"chosen": "a " * 99}), "1 of 2 rows of .* are over the cutoff"),
        ((), (PAIR | {"rejected": "1. a "},), "1 chosen and rejected are equal"),
        ((), (PAIR | {"prompt": " "},), "1 empty prompt"),
        (("report_to=wandb",), (PAIR,), "report_to wandb needs the package wandb"),
        (("watch.library=nowhere.json",), (PAIR,), "there is no nowhere.json"),
        (
            ("dpo.stored_reference=true",),
            (PAIR | {"ref_chosen_logps": -1.0, "ref_rejected_logps": -1.0, "reference": "ffff"},),
            "are of checkpoint ffff",
        ),
    ],
)
def test_what_a_training_cannot_use_is_one_line(
    overrides: tuple[str, ...], rows: tuple[dict, ...], told: str, check: Callable[..., Prepared]
) -> None:
    with pytest.raises(BadInput, match=told) as error:
        check(*overrides, rows=rows)
    assert "\n" not in str(error.value)


def test_a_checkpoint_of_adapters_alone_is_no_base(base: Path, check: Callable[..., Prepared]) -> None:
    (base / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA"}))
    with pytest.raises(BadInput, match="holds adapters alone"):
        check()


def test_a_directory_of_another_training_is_refused_before_ray_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = load_config(TrainingRecipe, CONFIGS / "testbed_navigator_dpo.yaml", [f"output_root={tmp_path}", "data=x"])
    Run.open(tmp_path, recipe.name, "seed: 1\n")
    monkeypatch.setattr(runtime, "connect", lambda: pytest.fail("Ray was started"))
    with pytest.raises(BadInput, match="belongs to another config"):
        train(recipe)


def test_a_training_is_planned_on_a_cluster_and_refused_where_it_does_not_fit(check: Callable[..., Prepared]) -> None:
    rows = tuple(PAIR | {"prompt": f"{number:07}"} for number in range(10))
    plan = check("epochs=2", rows=rows).on(load_cluster("cpu-dev"))
    assert plan.tokens == int(2 * 10 * 2 * (7 + 4) / 3.5)  # a pair is two texts
    assert plan.held is not None and plan.held.device == 0 < plan.held.host
    gpus = check("workers={count: 9, gpus: 1, device: cuda}", rows=rows)
    with pytest.raises(BadInput, match=r"9 worker\(s\) of 1 GPU .* a100-8, 8 would\. Set workers.count=8"):
        gpus.on(load_cluster("a100-8"))
