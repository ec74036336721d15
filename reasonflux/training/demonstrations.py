"""What went well in finished runs as rows for fine-tuning: plans for the navigator, long chains of thought (F1a, V9).

Rows are TRL's conversational ones, `prompt` and `completion`, with where each came from. A problem that stands in a
known benchmark is left out and counted, whatever the run was made for.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from reasonflux.problems.known_benchmarks import benchmark_of
from reasonflux.reasoning.long_cot import long_cots
from reasonflux.records import Problem, Solution, Status, ThoughtTemplate, Trajectory, TrajectoryReward
from reasonflux.training.rows import Row


class Demonstrations:
    """Rows one after the other, and how many problems were `left_out`, by benchmark."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()

    def plans(
        self,
        problems: Sequence[Problem],
        trajectories: Sequence[Trajectory],
        rewards: Sequence[TrajectoryReward],
        least: float,
    ) -> Iterator[Row]:
        """Each problem's best plan, where its reward is `least` or more; of equal ones the one drawn most often."""
        drawn = {trajectory.id: trajectory for trajectory in trajectories if trajectory.status == Status.DONE}
        best: dict[str, TrajectoryReward] = {}
        for reward in rewards:
            if reward.reward is not None and reward.reward >= least and reward.id in drawn:
                there = best.get(reward.problem_id)
                best[reward.problem_id] = max((there, reward), key=_rank) if there else reward
        for problem in self._free(problems):
            if found := best.get(problem.id):
                plan = drawn[found.id]
                prompt = [asdict(message) for message in plan.prompt]
                completion = [{"role": "assistant", "content": plan.plan}]
                yield {"prompt": prompt, "completion": completion, "id": plan.id, "problem_id": problem.id} | {
                    "reward": found.reward
                }

    def long_cots(
        self, solved: Iterable[tuple[Problem, Solution]], templates: Mapping[str, ThoughtTemplate]
    ) -> Iterator[Row]:
        """Each correct solution as one think part and its answer; see `reasoning.long_cot`."""
        pairs = list(solved)
        free = {problem.id for problem in self._free({problem.id: problem for problem, _ in pairs}.values())}
        for sample in long_cots((pair for pair in pairs if pair[0].id in free), templates):
            yield asdict(sample)

    def _free(self, problems: Iterable[Problem]) -> Iterator[Problem]:
        for problem in problems:
            if benchmark := benchmark_of(problem.text):
                self.left_out[benchmark] += 1
            else:
                yield problem


def _rank(reward: TrajectoryReward) -> tuple[float, int, str]:
    return reward.reward or 0.0, reward.multiplicity, reward.id
