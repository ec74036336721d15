"""`reasonflux submit`: which arguments are whose, and the command that comes of them."""

import shlex

import pytest

from reasonflux.cli.main import main
from reasonflux.cli.submit import split

TESTBED = ["--config", "jobs/configs/testbed.yaml"]


@pytest.mark.parametrize(
    "given",
    [
        ["--cluster", "a100-8", *TESTBED, "--set", "seed=1"],
        [*TESTBED, "--cluster", "a100-8", "--set", "seed=1"],
    ],
)
def test_where_a_job_goes_is_told_apart_from_what_it_does(given: list[str]) -> None:
    assert split(given) == (["--cluster", "a100-8"], [*TESTBED, "--set", "seed=1"])
    assert split(["--address=http://head:8265", "--show", "--plan"]) == (
        ["--address=http://head:8265", "--show"],
        ["--plan"],
    )


def test_the_command_of_ray_job_submit_can_be_seen(capfd: pytest.CaptureFixture[str]) -> None:
    given = ["submit", "generate_pairs", "--cluster", "a100-8", "--show", *TESTBED]
    assert main([*given, "--set", "output.root=s3://b/r"]) == 0
    command = shlex.split(capfd.readouterr().out)
    assert command[:4] == ["ray", "job", "submit", "--address=http://127.0.0.1:8265"]
    assert command[command.index("--") + 1 :] == [
        "python",
        "jobs/generate_pairs.py",
        *TESTBED,
        "--set",
        "output.root=s3://b/r",
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["bake"], "there is no job 'bake'. It is one of build_library, deploy, generate_pairs"),
        (["generate_pairs", "--cluster", "moon", *TESTBED], "there is no cluster 'moon'"),
    ],
)
def test_what_cannot_be_submitted_is_one_line_and_status_2(
    given: list[str], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["submit", *given]) == 2
    printed = capfd.readouterr().err
    assert told in printed and printed.count("\n") == 1
