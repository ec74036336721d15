"""The stages of a run of the main job, in their order, and what a row of each is."""

from reasonflux.records import (
    Attempt,
    Draw,
    GradedRollout,
    Pair,
    Problem,
    Rollout,
    SimilarProblems,
    Trajectory,
    TrajectoryReward,
)

RECORDS: dict[str, type] = {
    "problems": Problem,
    "similar": SimilarProblems,
    "draws": Draw,
    "trajectories": Trajectory,
    "attempts": Attempt,
    "rollouts": Rollout,
    "verdicts": GradedRollout,
    "rewards": TrajectoryReward,
    "navigator_pairs": Pair,
    "reasoner_pairs": Pair,
}
