"""The manifests of cluster/kuberay: their fields are KubeRay's, Ray itself reads them, and the overlays render."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr
from ray.serve.schema import ServeDeploySchema

from reasonflux.clusters import load_cluster
from tests.unit.cluster.kustomize import render

ROOT = Path(__file__).parents[3]
KUBERAY = ROOT / "cluster" / "kuberay"
OVERLAYS = sorted(path.name for path in (KUBERAY / "overlays").iterdir())
RENDERED = [*(f"overlays/{name}" for name in OVERLAYS), "service"]
JOBS = sorted((KUBERAY / "jobs").glob("*.yaml"))
SCHEMA = yaml.safe_load((KUBERAY / "schema.yaml").read_text())
CRDS = {"RayCluster": "rayclusters", "RayJob": "rayjobs", "RayService": "rayservices"}
WITHOUT_SPEC = {"ServiceAccount"}
PLAIN = {"PersistentVolumeClaim", "Service", "NetworkPolicy", *WITHOUT_SPEC}  # of Kubernetes, small: read by people


def objects() -> list[Any]:
    """Every object of every overlay, of the service and of the jobs."""
    found = [(where, each) for where in RENDERED for each in render(KUBERAY / where)]
    found += [(path.name, yaml.safe_load(path.read_text())) for path in JOBS]
    return [pytest.param(each, id=f"{where}-{each['kind']}") for where, each in found]


def of_kind(where: str, kind: str) -> dict[str, Any]:
    (found,) = [each for each in render(KUBERAY / where) if each["kind"] == kind]
    return found


def strict(schema: Any) -> Any:
    """A definition of Kubernetes as a JSON schema that refuses fields that it does not know."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items() if key != "format"}
    if made.pop("x-kubernetes-int-or-string", False):
        made.pop("anyOf", None)
        made["type"] = ["integer", "string"]
    if "properties" in made and not made.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    return made


@pytest.mark.parametrize("each", objects())
def test_every_field_is_one_that_the_kind_has(each: dict[str, Any]) -> None:
    if each["kind"] in PLAIN:
        assert ("spec" in each) is (each["kind"] not in WITHOUT_SPEC)
        return
    schema = {"$ref": f"#/$defs/{each['kind']}", "$defs": SCHEMA["$defs"]}
    errors = [f"{list(error.path)}: {error.message}" for error in _validator(schema).iter_errors(each["spec"])]
    assert not errors, "\n".join(errors)


def test_a_misspelt_field_is_seen() -> None:
    cluster = of_kind("overlays/a100-8", "RayCluster")
    cluster["spec"]["workerGroupSpecs"][0]["maxReplica"] = 1
    with pytest.raises(jsonschema.ValidationError, match="maxReplica"):
        _validator({"$ref": "#/$defs/RayCluster", "$defs": SCHEMA["$defs"]}).validate(cluster["spec"])


def test_the_whole_definitions_of_kuberay_take_every_manifest(shared_data: Callable[[str], Path]) -> None:
    """With KubeRay's own files (helm-chart/kuberay-operator/crds) at data/kuberay of the shared data."""
    there = [parameter.values[0] for parameter in objects()]
    for kind, plural in CRDS.items():
        definition = yaml.load(shared_data(f"data/kuberay/ray.io_{plural}.yaml").read_text(), yaml.CSafeLoader)
        (version,) = [version for version in definition["spec"]["versions"] if version["name"] == "v1"]
        schema = strict(version["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {"type": "object"}
        for each in (each for each in there if each["kind"] == kind):
            _validator(schema).validate(each)


@pytest.mark.parametrize("name", OVERLAYS)
def test_ray_reads_the_clusters_groups_as_its_shape_says(name: str) -> None:
    """Through the function by which Ray's autoscaler reads a RayCluster, which checks the outcome by Ray's schema."""
    cluster, shape = of_kind(f"overlays/{name}", "RayCluster"), load_cluster(name)
    read = _derive_autoscaling_config_from_ray_cr(cluster)
    groups = read["available_node_types"]
    assert groups["headgroup"]["resources"]["CPU"] == 0  # no work on the head
    gpus = {group: kind["resources"].get("GPU", 0) for group, kind in groups.items()}
    most = sum(gpus[group] * kind["max_workers"] for group, kind in groups.items() if group != "training")
    assert most == sum(node.count * node.gpus for node in shape.nodes)
    of_node = {node.gpus: node for node in shape.nodes}
    for group, kind in groups.items():
        node = of_node[gpus[group]]
        assert kind["resources"]["CPU"] <= node.cpus
        assert kind["resources"]["memory"] <= node.memory_gib * 2**30
    assert read["idle_timeout_minutes"] == 10


def test_the_head_stays_and_what_can_be_done_again_may_be_taken_away() -> None:
    spec = of_kind("overlays/a100-8", "RayCluster")["spec"]
    spot = {
        group.get("groupName", "head"): any(
            each["key"] == "reasonflux/spot" for each in group["template"]["spec"].get("tolerations", [])
        )
        for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"])
    }
    assert spot == {"head": False, "serving": True, "training": False, "verification": True}


@pytest.mark.parametrize("where", RENDERED)
def test_secrets_stand_in_no_manifest_and_the_token_is_asked_for(where: str) -> None:
    there = render(KUBERAY / where)
    assert "Secret" not in {each["kind"] for each in there}
    for each in there:
        if each["kind"] in CRDS:
            spec = each["spec"].get("rayClusterConfig", each["spec"])
            assert spec["authOptions"] == {"mode": "token", "secretName": "reasonflux-token"}
    named = re.findall(r'{"name": "(\w*(?:TOKEN|PASSWORD|SECRET|KEY)\w*)", "(\w+)"', json.dumps(there))
    assert {source for _, source in named} <= {"valueFrom"}, named


@pytest.mark.parametrize("where", RENDERED)
def test_ray_is_of_the_pinned_version(where: str) -> None:
    pinned = re.search(r"^ray==(.+)$", (ROOT / "requirements" / "gpu.txt").read_text(), re.M)
    assert pinned is not None
    assert set(re.findall(r'"rayVersion": "([^"]+)"', json.dumps(render(KUBERAY / where)))) == {pinned[1]}


@pytest.mark.parametrize("path", JOBS, ids=lambda path: path.stem)
def test_a_rayjob_runs_a_job_that_there_is_on_a_config_that_there_is(path: Path) -> None:
    spec = yaml.safe_load(path.read_text())["spec"]
    shell, flag, inner = shlex.split(spec["entrypoint"])
    assert (shell, flag) == ("sh", "-c")
    words = shlex.split(inner)
    script, config = words[words.index("python") + 1], words[words.index("--config") + 1]
    assert (ROOT / script).is_file() and (ROOT / config).is_file()
    assert path.stem == Path(script).stem.replace("_", "-")
    (environment,) = yaml.safe_load(spec["runtimeEnvYAML"]).values()
    assert all(name.startswith("REASONFLUX_") for name in environment)


def test_every_job_for_a_cluster_has_a_rayjob() -> None:
    scripts = {path.stem.replace("_", "-") for path in (ROOT / "jobs").glob("*.py")}
    assert scripts - {"submit", "train-testbed"} == {path.stem for path in JOBS}


def test_the_service_runs_what_serve_deploy_runs() -> None:
    inner = yaml.safe_load(of_kind("service", "RayService")["spec"]["serveConfigV2"])
    assert inner == yaml.safe_load((ROOT / "cluster" / "serve" / "a100_32b.yaml").read_text())
    assert ServeDeploySchema.model_validate(inner).applications[0].name == "navigator"


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl, which holds Kustomize, is not installed")
@pytest.mark.parametrize("where", RENDERED)
def test_kustomize_renders_the_same(where: str) -> None:
    done = subprocess.run(["kubectl", "kustomize", KUBERAY / where], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    theirs, ours = list(yaml.safe_load_all(done.stdout)), render(KUBERAY / where)
    assert sorted(map(_text, theirs)) == sorted(map(_text, ours))


def _text(each: dict[str, Any]) -> str:
    return json.dumps(each, sort_keys=True)


def _validator(schema: dict[str, Any]) -> Any:
    return jsonschema.Draft202012Validator(schema)
