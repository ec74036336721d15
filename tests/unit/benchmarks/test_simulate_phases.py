"""The planner of phases against sizes that stay."""

from benchmarks.performance.simulate_phases import Job, compare


def test_the_planner_beats_every_split_where_stages_wait_for_each_other() -> None:
    job = Job(problems=200, plans=4, rollouts=5, barrier=True, start_s=5.0)
    found = {name: (seconds, busy) for name, seconds, busy in compare(4, job, [1, 2])}
    assert found["planner"][0] < min(seconds for name, (seconds, _) in found.items() if name != "planner")


def test_every_rollout_is_done_and_equal_runs_are_equal() -> None:
    job = Job(problems=60, plans=2, rollouts=2, barrier=False, start_s=5.0)
    assert compare(4, job, [1]) == compare(4, job, [1])
