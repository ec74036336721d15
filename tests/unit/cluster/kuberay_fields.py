"""What KubeRay's own definitions say of the fields that cluster/kuberay uses, kept in kuberay_fields.json.

    python -m tests.unit.cluster.kuberay_fields DIRECTORY VERSION

reads its definitions (helm-chart/kuberay-operator/crds of a release, ray.io/v1), holds every manifest against the whole
of them with unknown fields refused, and keeps names, types and what is required of those fields: facts, not words.
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from tests.unit.cluster.kustomize import render

ROOT = Path(__file__).parents[3]
KUBERAY = ROOT / "cluster" / "kuberay"
RENDERED = [*sorted(f"overlays/{path.name}" for path in (KUBERAY / "overlays").iterdir()), "service"]
JOBS = sorted((KUBERAY / "jobs").glob("*.yaml"))
CRDS = {"RayCluster": "rayclusters", "RayJob": "rayjobs", "RayService": "rayservices"}
FIELDS = Path(__file__).with_suffix(".json")
SOURCE = "KubeRay (github.com/ray-project/kuberay, Apache License 2.0), helm-chart/kuberay-operator/crds, ray.io/v1"
KEPT = (
    *("type", "required", "enum", "pattern", "minimum", "maximum", "maxLength", "minLength"),
    *("x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields"),
)


def manifests() -> list[tuple[str, dict[str, Any]]]:
    """Every object of every overlay, of the service and of the jobs, and where it comes from."""
    found = [(where, each) for where in RENDERED for each in render(KUBERAY / where)]
    return found + [(path.name, yaml.safe_load(path.read_text())) for path in JOBS]


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


def used(schema: dict[str, Any], values: Sequence[Any]) -> dict[str, Any]:
    """What a definition says of the fields that `values` have, without its words for people."""
    kept = {key: schema[key] for key in KEPT if key in schema}
    if "properties" in schema:
        there = sorted({name for value in values for name in value} & schema["properties"].keys())
        kept["properties"] = {
            name: used(schema["properties"][name], [value[name] for value in values if name in value]) for name in there
        }
    if isinstance(schema.get("additionalProperties"), dict):
        inside = [each for value in values for each in value.values()]
        kept["additionalProperties"] = used(schema["additionalProperties"], inside)
    if "items" in schema:
        kept["items"] = used(schema["items"], [each for value in values for each in value])
    return kept


def main(directory: str, version: str) -> None:
    digests, kinds = {}, {}
    for kind, plural in CRDS.items():
        content = (Path(directory) / f"ray.io_{plural}.yaml").read_bytes()
        digests[f"ray.io_{plural}.yaml"] = hashlib.sha256(content).hexdigest()
        versions = yaml.load(content, yaml.CSafeLoader)["spec"]["versions"]
        (whole,) = [each["schema"]["openAPIV3Schema"] for each in versions if each["name"] == "v1"]
        values = [each for _, each in manifests() if each["kind"] == kind]
        for each in values:
            jsonschema.Draft202012Validator(strict(whole)).validate(each)
        kinds[kind] = used(whole, values)
    told = {"source": SOURCE, "version": version, "sha256": digests, "kinds": kinds}
    FIELDS.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
