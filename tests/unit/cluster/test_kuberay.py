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
from reasonflux.distributed.access import KEYS
from tests.unit.cluster.kuberay_fields import CRDS, FIELDS, JOBS, KUBERAY, RENDERED, ROOT, manifests, strict
from tests.unit.cluster.kustomize import render

OVERLAYS = sorted(path.name for path in (KUBERAY / "overlays").iterdir())
SCHEMA = yaml.safe_load((KUBERAY / "schema.yaml").read_text())
CLUSTERS = [("overlays/a100-8", "RayCluster"), ("service", "RayService")]
RECORDED = json.loads(FIELDS.read_text())
WITHOUT_SPEC = {"ServiceAccount"}


def objects() -> list[Any]:
    """Every object, as parameters of a test."""
    return [pytest.param(each, id=f"{where}-{each['kind']}") for where, each in manifests()]


def of_kind(where: str, kind: str) -> dict[str, Any]:
    (found,) = [each for each in render(KUBERAY / where) if each["kind"] == kind]
    return found


@pytest.mark.parametrize("each", objects())
def test_every_field_is_one_that_may_stand_here(each: dict[str, Any]) -> None:
    if each["kind"] in WITHOUT_SPEC:
        assert "spec" not in each
        return
    schema = {"$ref": f"#/$defs/{each['kind']}", "$defs": SCHEMA["$defs"]}
    errors = [f"{list(error.path)}: {error.message}" for error in _validator(schema).iter_errors(each["spec"])]
    assert not errors, "\n".join(errors)


def test_a_misspelt_field_is_seen() -> None:
    cluster = of_kind("overlays/a100-8", "RayCluster")
    cluster["spec"]["workerGroupSpecs"][0]["maxReplica"] = 1
    with pytest.raises(jsonschema.ValidationError, match="maxReplica"):
        _validator({"$ref": "#/$defs/RayCluster", "$defs": SCHEMA["$defs"]}).validate(cluster["spec"])


@pytest.mark.parametrize("each", [each for each in objects() if each.values[0]["kind"] in CRDS])
def test_kuberay_has_every_field_with_the_type_that_it_is_given(each: dict[str, Any]) -> None:
    """By its own definitions, of which kuberay_fields.py has kept what is used: another field is recorded anew."""
    _validator(strict(RECORDED["kinds"][each["kind"]])).validate(each)


def test_what_is_recorded_is_of_the_operator_that_is_installed() -> None:
    (operator,) = yaml.safe_load((KUBERAY / "operator" / "kustomization.yaml").read_text())["resources"]
    assert operator.endswith(f"?ref={RECORDED['version']}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda spec: spec["workerGroupSpecs"][0].update(minReplicas="none"), "not of type 'integer'"),
        (lambda spec: spec["headGroupSpec"].pop("template"), "'template' is a required property"),
        (lambda spec: spec["authOptions"].update(mode="tokens"), "not one of"),
        (lambda spec: spec["headGroupSpec"]["template"]["spec"].update(hostnetwork=True), "hostnetwork"),
    ],
)
def test_what_kuberay_would_refuse_is_seen(change: Callable[[Any], object], said: str) -> None:
    cluster = of_kind("overlays/a100-8", "RayCluster")
    change(cluster["spec"])
    with pytest.raises(jsonschema.ValidationError, match=said):
        _validator(strict(RECORDED["kinds"]["RayCluster"])).validate(cluster)


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
    assert scripts - {"submit", "train-testbed", "deploy"} == {path.stem for path in JOBS}  # deploy has the RayService


def test_the_service_runs_what_serve_deploy_runs() -> None:
    inner = yaml.safe_load(of_kind("service", "RayService")["spec"]["serveConfigV2"])
    assert inner == yaml.safe_load((ROOT / "cluster" / "serve" / "a100_32b.yaml").read_text())
    assert ServeDeploySchema.model_validate(inner).applications[0].name == "navigator"


def test_service_and_cluster_stand_side_by_side() -> None:
    """KubeRay names the service of a head after what owns it: NAME-head-svc."""
    names = [of_kind(where, kind)["metadata"]["name"] for where, kind in CLUSTERS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("where", "kind"), CLUSTERS)
def test_every_pod_that_may_serve_has_the_keys_of_clients(where: str, kind: str) -> None:
    spec = of_kind(where, kind)["spec"]
    spec = spec.get("rayClusterConfig", spec)
    assert spec["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"  # no replica runs there
    for group in spec["workerGroupSpecs"]:
        (container,) = group["template"]["spec"]["containers"]
        (given,) = [each for each in container["env"] if each["name"] == KEYS]
        assert given["valueFrom"]["secretKeyRef"]["name"] == "reasonflux-api-keys"


@pytest.mark.parametrize("where", [f"overlays/{name}" for name in OVERLAYS])
def test_clients_of_other_namespaces_reach_the_endpoints_alone(where: str) -> None:
    (policy,) = [each for each in render(KUBERAY / where) if each["metadata"]["name"] == "reasonflux-ray"]
    open_to = {
        json.dumps(source["namespaceSelector"]["matchLabels"]): [port["port"] for port in rule.get("ports", [])]
        for rule in policy["spec"]["ingress"]
        for source in rule["from"]
        if "namespaceSelector" in source
    }
    assert open_to['{"reasonflux/clients": "true"}'] == [8000]
    assert open_to['{"reasonflux/scrapes": "true"}'] == [8080]


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
