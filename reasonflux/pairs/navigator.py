"""Navigator pairs: two plans for one problem, the one with the higher trajectory reward chosen.

Rows in, pairs out: the T⁺ and T⁻ of arXiv 2502.06772, Eq. 4, with R(T⁺) − R(T⁻) ≥ `config.margin`.
"""

from collections.abc import Sequence

from reasonflux.config import PairConfig
from reasonflux.pairs.building import built_of, one_prompt, pair_of
from reasonflux.pairs.provenance import Provenance, Role
from reasonflux.pairs.report import Built, NoPair
from reasonflux.pairs.selection import Side, edges_of, select
from reasonflux.records import Pair, Trajectory, TrajectoryReward


def navigator_pairs(
    trajectories: Sequence[Trajectory],
    rewards: Sequence[TrajectoryReward],
    config: PairConfig,
    provenance: Provenance,
) -> Built:
    """The pairs of some whole problems (a shard), at most `config.per_problem` each; `select` says which.

    `trajectories`: all draws of these problems, failed ones too. `rewards`: one row for each distinct plan of a
    problem, under the id of the draw that stands for it; a plan whose reward is None is left out, and so is a blank
    one. A reward that sequential evaluation left early is taken as it stands: it leaves a plan only when the pairs
    can no longer change.

    Both sides hold the canonical `plan`, names resolved, in whichever order or format the navigator wrote them, so
    that equal plans are equal texts and DPO learns no difference of spelling.

    Raises `ValueError` when two rewards of a problem have one plan, when a reward's trajectory is not among
    `trajectories`, or when a problem was asked with different prompts.
    """
    drawn = {trajectory.id: trajectory for trajectory in trajectories}
    rewarded: dict[str, list[TrajectoryReward]] = {trajectory.problem_id: [] for trajectory in trajectories}
    for reward in rewards:
        if reward.id not in drawn:
            raise ValueError(f"reward {reward.id} has no trajectory: pass all trajectories of its shard")
        rewarded[drawn[reward.id].problem_id].append(reward)
    return built_of(
        {
            (problem_id, ""): _pairs_of_problem(problem_id, drawn, rows, config, provenance)
            for problem_id, rows in rewarded.items()
        }
    )


def _pairs_of_problem(
    problem_id: str,
    drawn: dict[str, Trajectory],
    rewards: Sequence[TrajectoryReward],
    config: PairConfig,
    provenance: Provenance,
) -> list[Pair] | NoPair:
    plans = [drawn[reward.id].plan for reward in rewards]
    if len(set(plans)) < len(plans):
        raise ValueError(f"problem {problem_id} has two rewards for one plan: merge equal plans before rewarding them")
    sides = [
        Side(
            id=reward.id,
            text=plan,
            score=reward.reward,
            n=reward.n,
            standard_error=reward.standard_error,
            multiplicity=reward.multiplicity,
        )
        for reward, plan in zip(rewards, plans, strict=True)
        if reward.reward is not None and plan.strip()
    ]
    edges = select(edges_of(sides, config.margin), config.per_problem, config.balance)
    if not edges:
        return _why_none(sides)
    prompt = one_prompt((drawn[side.id].prompt for side in sides), f"problem {problem_id}")
    return [pair_of(Role.NAVIGATOR, edge, prompt, provenance, problem_id=problem_id) for edge in edges]


def _why_none(sides: Sequence[Side]) -> NoPair:
    if not sides:
        return NoPair.NO_PLAN_REWARDED
    if len(sides) == 1:
        return NoPair.ONE_DISTINCT_PLAN
    scores = {round(side.score, 9) for side in sides}
    if len(scores) > 1:
        return NoPair.MARGIN_TOO_SMALL
    return {0.0: NoPair.ALL_REWARDS_ZERO, 1.0: NoPair.ALL_REWARDS_ONE}.get(scores.pop(), NoPair.ALL_REWARDS_EQUAL)
