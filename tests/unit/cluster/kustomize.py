"""The little of Kustomize that cluster/kuberay uses: resources, a namespace, JSON patches by kind and name.

`kubectl kustomize` is the tool itself; where it is installed a test holds the two equal.
"""

from pathlib import Path
from typing import Any

import yaml

KNOWN = {"apiVersion", "kind", "namespace", "resources", "patches"}


def render(directory: Path) -> list[dict[str, Any]]:
    """The objects that `kubectl kustomize DIRECTORY` would print, in the order of the files."""
    wanted = yaml.safe_load((directory / "kustomization.yaml").read_text())
    assert not set(wanted) - KNOWN, f"{directory} uses what is not rendered here: {set(wanted) - KNOWN}"
    objects: list[dict[str, Any]] = []
    for name in wanted["resources"]:
        path = (directory / name).resolve()
        objects += render(path) if path.is_dir() else list(yaml.safe_load_all(path.read_text()))
    for patch in wanted.get("patches", []):
        target = patch["target"]
        found = [
            each for each in objects if (each["kind"], each["metadata"]["name"]) == (target["kind"], target["name"])
        ]
        assert found, f"{directory}: nothing to patch is called {target}"
        for each in found:
            for operation in yaml.safe_load(patch["patch"]):
                _apply(each, operation)
    if "namespace" in wanted:
        for each in objects:
            each["metadata"]["namespace"] = wanted["namespace"]
    return objects


def _apply(value: Any, operation: dict[str, Any]) -> None:
    """One operation of a JSON patch (RFC 6902): replace or remove what is there."""
    *parents, last = (part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:])
    for part in parents:
        value = value[int(part) if isinstance(value, list) else part]
    key: Any = int(last) if isinstance(value, list) else last
    value[key]  # what is not there cannot be replaced or removed
    if operation["op"] == "remove":
        del value[key]
    else:
        assert operation["op"] == "replace"
        value[key] = operation["value"]
