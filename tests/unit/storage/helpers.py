"""Small rows, and what can be done with a child process."""

import subprocess

from reasonflux.records import Failure, Message, Rollout, TrajectoryReward, Usage

Child = subprocess.Popen[str]


def rollout(row_id: str, *, text: str = "so \\boxed{4}", failed: bool = False) -> Rollout:
    """A row with nested columns and a status."""
    return Rollout(
        id=row_id,
        trajectory_id="t",
        multiplicity=1,
        anchor_id="x",
        problem_id="p",
        index=0,
        gold="4",
        prompt=(Message(role="user", content="2 + 2?"),),
        text="" if failed else text,
        truncated=False,
        status="failed" if failed else "done",
        failure=Failure(stage="rollouts", error="engine_error", message="gone") if failed else None,
        usage=Usage(output_tokens=3, checkpoint="c"),
    )


def line(process: Child) -> str:
    """The next line that a child prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def kill(process: Child) -> None:
    """SIGKILL, and wait until it has taken effect."""
    process.kill()
    process.wait()


def reward(row_id: str, value: float = 0.5) -> TrajectoryReward:
    return TrajectoryReward(
        id=row_id,
        problem_id="p",
        multiplicity=1,
        reward=value,
        n=2,
        standard_error=None,
        failed=0,
        exhaustive=True,
    )
