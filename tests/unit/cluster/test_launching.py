"""What launches a cluster elsewhere: `ray up`, the image, Serve's and DeepSpeed's files, by what reads them there."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.serve.schema import ServeDeploySchema

from reasonflux.clusters import load_cluster
from reasonflux.configuring import load_config
from reasonflux.distributed import deployment
from reasonflux.errors import BadInput
from reasonflux.serving import DeployJob

ROOT = Path(__file__).parents[3]
CLUSTER = ROOT / "cluster"
SHAPES = {"p4d": "a100-40gb-8", "p4de": "a100-8"}
DOCKERFILE = CLUSTER / "docker" / "Dockerfile"
SERVE = sorted((CLUSTER / "serve").glob("*.yaml"))
DEEPSPEED = sorted((CLUSTER / "deepspeed").glob("*.json"))
FILLED = {  # what Transformers puts for "auto" by its own arguments
    "enabled": True,
    "gradient_accumulation_steps": 8,
    "gradient_clipping": 1.0,
    "train_batch_size": 64,
    "train_micro_batch_size_per_gpu": 8,
    "lr": 1e-6,
    "betas": [0.9, 0.999],
    "eps": 1e-8,
    "weight_decay": 0.0,
}


@pytest.mark.parametrize("name", SHAPES)
def test_ray_up_takes_the_file_as_ray_reads_it(name: str) -> None:
    config = prepare_config(yaml.safe_load((CLUSTER / "ray-up" / f"{name}.yaml").read_text()))
    validate_config(config)
    kinds = config["available_node_types"]
    (node,) = [node for node in load_cluster(SHAPES[name]).nodes if node.gpus]
    assert kinds["gpu"]["node_config"]["InstanceType"] == node.kind
    assert kinds["gpu"]["resources"] == {"CPU": node.cpus, "GPU": node.gpus}
    markets = {kind: "InstanceMarketOptions" in each["node_config"] for kind, each in kinds.items()}
    assert markets == {"head": False, "gpu": True, "verification": True}
    assert config["max_workers"] >= sum(each["max_workers"] for kind, each in kinds.items() if kind != "head")


@pytest.mark.parametrize("name", SHAPES)
def test_a_machine_of_ray_up_is_closed_and_asks_for_the_token(name: str) -> None:
    config = yaml.safe_load((CLUSTER / "ray-up" / f"{name}.yaml").read_text())
    assert "--env RAY_AUTH_MODE=token" in config["docker"]["run_options"]
    assert any("--dashboard-host=127.0.0.1" in command for command in config["head_start_ray_commands"])
    for kind in config["available_node_types"].values():
        assert kind["node_config"]["MetadataOptions"]["HttpTokens"] == "required"
        assert kind["node_config"]["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order, continuation lines joined."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def test_the_image_is_pinned_runs_as_nobody_special_and_says_whether_it_is_well() -> None:
    given = instructions()
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", dict(given)["FROM"])
    assert [rest for word, rest in given if word == "USER"] == ["ray"]
    assert given.index(("USER", "ray")) > max(index for index, (word, _) in enumerate(given) if word == "RUN")
    (check,) = [rest for word, rest in given if word == "HEALTHCHECK"]
    assert json.loads(check.split("CMD ", 1)[1]) == ["ray", "health-check"]
    assert not [word for word, _ in given if word == "ADD"]


def test_packages_of_the_image_are_the_pinned_lists_and_nothing_is_left_behind() -> None:
    runs = [rest for word, rest in instructions() if word == "RUN"]
    (apt,) = [rest for rest in runs if "apt-get install" in rest]
    assert "--no-install-recommends" in apt and "rm -rf /var/lib/apt/lists/*" in apt
    installs = [rest for rest in runs if "pip install" in rest]
    assert installs and all("--no-deps" in rest for rest in installs)
    assert "set -o" not in apt  # the SHELL instruction ends a broken pipe
    assert ("SHELL", '["/bin/bash", "-o", "pipefail", "-c"]') in instructions()


def test_all_that_is_copied_into_the_image_is_there_and_let_through() -> None:
    ignored = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text().split("\n")
    for word, rest in instructions():
        if word == "COPY":
            *sources, _ = [part for part in shlex.split(rest) if not part.startswith("--")]
            for source in sources:
                names = [source.replace("${KIND}", kind) for kind in ("cpu", "gpu")]
                assert all((ROOT / name).exists() for name in names), source
                assert f"!{source.split('/')[0]}" in ignored


def test_no_secret_is_baked_into_the_image() -> None:
    wrong = [
        rest
        for word, rest in instructions()
        if word in ("ENV", "ARG") and re.search(r"(TOKEN|PASSWORD|SECRET|KEY)\w*=", rest)
    ]
    assert not wrong


@pytest.mark.parametrize("path", SERVE, ids=lambda path: path.stem)
def test_serve_and_deploy_take_the_file_and_build_every_application(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = ServeDeploySchema.model_validate(yaml.safe_load(path.read_text()))
    config = load_config(DeployJob, path)
    assert (config.http_options.host, config.http_options.port) == (schema.http_options.host, schema.http_options.port)
    assert config.proxy_location == schema.proxy_location
    monkeypatch.setattr(deployment, "known_digest", lambda spec: "d" * 32)
    for application, same in zip(schema.applications, config.applications, strict=True):
        module, _, name = application.import_path.partition(":")
        assert (module, application.route_prefix) == (deployment.__name__, same.route_prefix)
        built = getattr(deployment, name)(application.args)._bound_deployment
        assert built.ray_actor_options["num_cpus"] == same.args.cpus_per_replica
        assert built.init_args[0].model_dump().items() >= same.args.model_dump(exclude={"model"}).items()


def test_an_engines_wrong_field_is_named() -> None:
    with pytest.raises(BadInput, match=r"args\.tensor_paralel: Extra inputs"):
        deployment.engine({"model": "testbed:navigator", "tensor_paralel": 4})
    with pytest.raises(BadInput, match=r"args\.promts: .*serving\.SolverSpec"):
        deployment.solver({"promts": "v1"})


@pytest.mark.slow
@pytest.mark.parametrize("path", DEEPSPEED, ids=lambda path: path.stem)
def test_deepspeed_reads_the_file_once_its_launcher_has_filled_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DS_ACCELERATOR", "cpu")
    from deepspeed.runtime.config import DeepSpeedConfig

    config = filled(json.loads(path.read_text()))
    config |= {"train_batch_size": 64, "train_micro_batch_size_per_gpu": 8, "gradient_accumulation_steps": 8}
    read = DeepSpeedConfig(config)
    assert read.zero_config.stage == int(path.stem[4])
    offloaded = {
        str(each.device) for each in (read.zero_config.offload_param, read.zero_config.offload_optimizer) if each
    }
    assert offloaded == ({"cpu"} if "offload" in path.stem else set())
    assert read.zero_config.gather_16bit_weights_on_model_save is (read.zero_config.stage == 3)


@pytest.mark.parametrize("path", DEEPSPEED, ids=lambda path: path.stem)
def test_a_training_by_hand_takes_the_settings_of_a_training_by_recipe(path: Path) -> None:
    zero = pytest.importorskip("reasonflux.training.zero", reason="trainings by recipe are not part of this checkout")
    settings = {"stage": int(path.stem[4]), "offload": "offload" in path.stem}
    given = {"name": "a", "stage": "dpo", "role": "navigator", "base": "b", "data": "d", "learning_rate": 1e-6}
    recipe = zero.TrainingRecipe.model_validate(given | {"dpo": {}, "zero": settings})
    assert json.loads(path.read_text()) == zero.zero_config(recipe)


def filled(value: Any, key: str = "") -> Any:
    """Every "auto" as a number, as Transformers' integration puts it; fails where that knows no such place."""
    if isinstance(value, dict):
        return {name: filled(each, name) for name, each in value.items()}
    return FILLED[key] if value == "auto" else value
