"""What a file of cluster/serve may say, and what is wrong with one in one line."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from reasonflux.configuring import load_config
from reasonflux.errors import BadInput
from reasonflux.serving import DeployJob

ENGINE, SOLVER = (f"reasonflux.distributed.deployment:{kind}" for kind in ("engine", "solver"))


def read(directory: Path, *applications: dict[str, Any], **rest: Any) -> DeployJob:
    path = directory / "serve.yaml"
    path.write_text(yaml.safe_dump(rest | {"applications": list(applications)}))
    return load_config(DeployJob, path)


def engine(name: str = "navigator", **args: Any) -> dict[str, Any]:
    return {"name": name, "route_prefix": f"/{name}", "import_path": ENGINE, "args": {"model": "m", **args}}


def solver(**args: Any) -> dict[str, Any]:
    return {"name": "reasonflux", "route_prefix": "/reasonflux", "import_path": SOLVER, "args": args}


def test_v11_each_application_has_a_base_url_of_its_own(tmp_path: Path) -> None:
    config = read(tmp_path, engine(), engine("reasoner") | {"route_prefix": None}, solver())
    assert config.urls == {
        "navigator": "http://127.0.0.1:8000/navigator/v1",
        "reasonflux": "http://127.0.0.1:8000/reasonflux/v1",
    }
    assert read(tmp_path, engine(), proxy_location="Disabled").urls == {}
    elsewhere = {"host": "::", "port": 443, "ssl_certfile": "c", "ssl_keyfile": "k"}
    assert read(tmp_path, engine(), http_options=elsewhere).urls["navigator"] == "https://[::]:443/navigator/v1"


@pytest.mark.parametrize(
    ("applications", "words"),
    [
        ([engine(), engine()], "two applications have the name navigator"),
        ([engine(), engine("b") | {"route_prefix": "/navigator"}], "two applications have the route_prefix"),
        ([engine(), solver()], "reasonflux asks reasoner, which is no engine of this file"),
        ([engine(max_modle_len=8)], "max_modle_len: unknown key"),
        ([engine(http={"concurrent": 0})], "concurrent"),
        ([engine() | {"import_path": "os:system"}], "import_path"),
        ([engine() | {"route_prefix": "navigator/"}], "route_prefix"),
        ([solver(navigator="a", reasoner="a", matcher="m"), engine("a")], "a matcher needs a library"),
        ([solver(navigator="a", reasoner="a", http={"output_tokens": 5}), engine("a")], "output_tokens: unknown key"),
        ([engine(autoscaling={"min_replicas": 2})], "min_replicas is 2, max_replicas 1"),
        ([], "applications"),
    ],
)
def test_what_does_not_fit_together_is_one_line(tmp_path: Path, applications: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        read(tmp_path, *applications)
