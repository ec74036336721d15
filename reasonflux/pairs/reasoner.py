"""Reasoner pairs: two rollouts of one problem under one trajectory, the correct one chosen over the wrong one."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from reasonflux.config import PairConfig
from reasonflux.pairs.building import built_of, one_prompt, pair_of
from reasonflux.pairs.provenance import Provenance, Role
from reasonflux.pairs.report import Built, NoPair
from reasonflux.pairs.selection import Edge, Side, select
from reasonflux.records import GradedRollout, Pair, Rollout, TrajectoryReward, Verdict

MIN_ROLLOUTS = 4


def reasoner_pairs(
    rollouts: Sequence[Rollout],
    graded: Sequence[GradedRollout],
    rewards: Sequence[TrajectoryReward],
    config: PairConfig,
    provenance: Provenance,
    *,
    min_rollouts: int = MIN_ROLLOUTS,
) -> Built:
    """At most `config.reasoner_per_trajectory` pairs for each problem under each trajectory; `select` says which.

    Only where that problem was tried `min_rollouts` times or more under that trajectory, rollouts that ended in an
    error left out (the caller sees to it that they were sampled at a temperature above 0). Texts are verbatim; equal
    ones count once, with their multiplicity.

    And only under trajectories whose reward in `rewards` is `config.reasoner_least_reward` or more: where a plan is
    wrong, a right answer is an accident of carrying it out badly, and as chosen it would teach to ignore plans.

    Rejected are `wrong` rollouts alone: an answer was read, and it is not the gold one. `unparsed` is left out, since
    a format that the grader cannot read says nothing of the reasoning, and may hide a right answer; so are
    `truncated`, which would teach brevity, and `timeout`, which is the verifier's.

    A side's score is its own verdict, 1 or 0, of one rollout: n is 1 and there is no standard error. What share of
    the rollouts was correct is the plan's merit, and stands in the navigator's pairs.

    Raises `KeyError` for a grading without its rollout or its trajectory's reward, `ValueError` where a group was
    asked with different prompts.
    """
    if config.reasoner_per_trajectory == 0:
        return built_of({})
    by_id = {rollout.id: rollout for rollout in rollouts}
    merits = {reward.id: reward.reward or 0.0 for reward in rewards}
    groups: dict[tuple[str, str], list[GradedRollout]] = defaultdict(list)
    for grading in graded:
        groups[grading.trajectory_id, grading.problem_id].append(grading)
    found: dict[tuple[str, str], list[Pair] | NoPair] = {}
    for key, group in groups.items():
        if len(group) >= min_rollouts:
            pairs = _pairs_of_group(by_id, group, config, provenance, min_rollouts)
            low = isinstance(pairs, list) and merits[key[0]] < config.reasoner_least_reward
            found[key] = NoPair.REWARD_TOO_LOW if low else pairs
    return built_of(found)


def _pairs_of_group(
    rollouts: dict[str, Rollout],
    group: Sequence[GradedRollout],
    config: PairConfig,
    provenance: Provenance,
    min_rollouts: int,
) -> list[Pair] | NoPair:
    counted = [grading for grading in group if grading.verdict != Verdict.ERROR]
    if len(counted) < min_rollouts:
        return NoPair.TOO_FEW_GRADED
    correct = _sides(rollouts, counted, Verdict.CORRECT, 1.0)
    taken = {side.text for side in correct}  # the verifier is a process: it may have faltered on one of two equal texts
    wrong = [side for side in _sides(rollouts, counted, Verdict.WRONG, 0.0) if side.text not in taken]
    if not correct:
        return NoPair.NONE_CORRECT
    if not wrong:
        return NoPair.NONE_WRONG
    edges = [Edge.of(chosen, rejected) for chosen in correct for rejected in wrong]
    problem_id, trajectory_id = group[0].problem_id, group[0].trajectory_id
    prompt = one_prompt((rollouts[grading.id].prompt for grading in counted), f"problem {problem_id} under one plan")
    return [
        pair_of(Role.REASONER, edge, prompt, provenance, problem_id=problem_id, trajectory_id=trajectory_id)
        for edge in select(edges, config.reasoner_per_trajectory, config.balance)
    ]


def _sides(rollouts: dict[str, Rollout], group: Sequence[GradedRollout], verdict: Verdict, score: float) -> list[Side]:
    """The distinct texts of one verdict, each under its lowest id."""
    ids = sorted(grading.id for grading in group if grading.verdict == verdict)
    multiplicity = Counter(rollouts[id].text for id in ids)
    first = {rollouts[id].text: id for id in reversed(ids)}
    return [
        Side(id=first[text], text=text, score=score, n=1, standard_error=None, multiplicity=times)
        for text, times in multiplicity.items()
    ]
