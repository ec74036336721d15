r"""Sizes that stay against sizes that the planner of phases follows, on one simulated cluster.

    python -m benchmarks.performance.simulate_phases --replicas 16 --problems 2000

A navigator and a reasoner of 32B share replicas of four A100s, a verifier has CPUs. The second half of the problems is
harder: its solutions are `--harder` times as long, as nobody knows beforehand. `barrier`: a stage begins when the one
before has ended, as the pipeline does now. `flow`: what a stage has done goes on at once.
"""

import argparse
import random
import sys
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import simpy

from benchmarks.performance.cluster_model import Steps
from benchmarks.performance.cluster_pieces import ROUNDING_S
from benchmarks.performance.latency_model import FOUR_A100, Batch, Speed
from benchmarks.performance.sleeping_engine import TimedScript
from reasonflux.phase_plan import VERDICT_S, VERIFIER
from reasonflux.phases import Demand, Shape, Sizes, resized

NAVIGATOR, REASONER = "navigator", "reasoner"
LENGTHS = {NAVIGATOR: TimedScript().plan, REASONER: TimedScript().solution}
MEANS = {role: lengths.mean for role, lengths in LENGTHS.items()}  # what is taken before anything is measured
MEASURED = 100  # answers, and more, are a measurement
PROMPT = TimedScript().prompt_tokens
EVERY_S = 60.0  # between two looks of the planner
CPUS = 32.0
FIXED_VERIFIERS = 8

Policy = Callable[[Sizes, Mapping[str, Demand]], Sizes]  # sizes now, demands → sizes from now on


@dataclass(frozen=True, kw_only=True)
class Job:
    """Work, and how it flows."""

    problems: int
    plans: int = 4  # a problem
    rollouts: int = 5  # a plan
    harder: float = 2.0
    barrier: bool
    start_s: float = 180.0  # of an engine that changes its role


class Seat:
    """One replica's GPUs, and the role that they have now."""

    def __init__(self, role: str, speed: Speed, now: float) -> None:
        self.role, self.next_role = role, role
        self.batch = Batch(speed, now)
        self.version, self.changing = 0, False

    @property
    def free(self) -> int:
        """Places for more requests."""
        inside = self.batch.running + self.batch.waiting
        return self.batch.speed.places - inside if self.role == self.next_role else 0


class Flow:
    """The cluster at work; `run` it once."""

    def __init__(self, replicas: int, job: Job, first: Sizes | None, policy: Policy, speed: Speed = FOUR_A100) -> None:
        """`first`: sizes to start with; None: what the policy wants before anything is measured."""
        self._env, self._job, self._policy, self._speed = simpy.Environment(), job, policy, speed
        self._random = random.Random(0)
        self._verifying, self._inside = 0, Counter[str]()
        self._queues: dict[str, deque[tuple[float, int]]] = {role: deque() for role in (*LENGTHS, VERIFIER)}
        self._queues[NAVIGATOR].extend((0.0, problem) for problem in range(job.problems) for _ in range(job.plans))
        self._held: deque[tuple[str, int]] = deque()  # behind the barrier: role, problem
        plans = job.problems * job.plans
        self._open = Counter({NAVIGATOR: plans, REASONER: plans * job.rollouts})  # not ended, by role
        self._left = self._open[REASONER]
        self._seen: dict[str, tuple[int, int]] = dict.fromkeys(LENGTHS, (0, 0))  # requests, tokens that were written
        self._done = self._env.event()
        nobody = {NAVIGATOR: 0, REASONER: 0, VERIFIER: 1}
        first = first or policy(nobody, self._demands())
        self._verifiers = first[VERIFIER]
        roles = [role for role in (NAVIGATOR, REASONER) for _ in range(first[role])]
        self._seats = [Seat(role, speed, 0.0) for role in (roles + [NAVIGATOR] * replicas)[:replicas]]

    def run(self) -> tuple[float, float]:
        """Seconds until the last verdict, and the share of places × seconds that was taken."""
        self._pull()
        self._env.process(self._look())
        self._env.run(self._done)
        for seat in self._seats:
            seat.batch.advance(self._env.now)
        whole = self._env.now * len(self._seats) * self._speed.places
        return self._env.now, sum(seat.batch.place_s for seat in self._seats) / whole

    def _pull(self) -> None:
        """Whoever has a free place takes what waits longest."""
        for seat in self._seats:
            if self._queues[seat.role] and seat.free > 0:
                self._advance(seat)
                while self._queues[seat.role] and seat.free > 0:
                    self._take(seat, self._queues[seat.role].popleft()[1])
                self._arm(seat)
        while self._queues[VERIFIER] and self._verifying < self._verifiers:
            self._queues[VERIFIER].popleft()
            self._verifying += 1
            self._env.timeout(VERDICT_S).callbacks.append(lambda _: self._verified())

    def _take(self, seat: Seat, problem: int) -> None:
        output = LENGTHS[seat.role].at(self._random.random())
        if seat.role == REASONER and problem >= self._job.problems / 2:
            output = round(output * self._job.harder)
        self._inside[seat.role] += 1
        seat.batch.add((seat.role, problem, output), PROMPT, output)

    def _arm(self, seat: Seat) -> None:
        seat.version += 1
        version, wait = seat.version, seat.batch.next_end() - self._env.now
        if wait < float("inf"):
            self._env.timeout(max(0.0, wait)).callbacks.append(lambda _: self._due(seat, version))

    def _due(self, seat: Seat, version: int) -> None:
        if version == seat.version:
            self._advance(seat)
            self._leave(seat)
            self._arm(seat)
            self._pull()

    def _advance(self, seat: Seat) -> None:
        now = self._env.now
        for role, problem, output in seat.batch.advance(max(now, min(seat.batch.next_end(), now + ROUNDING_S))):
            self._ended(role, problem, output)

    def _leave(self, seat: Seat) -> None:
        """An engine that is to change begins when nobody is inside any more."""
        if seat.role != seat.next_role and not seat.batch.running and not seat.changing:
            seat.changing = True
            self._env.process(self._change(seat))

    def _ended(self, role: str, problem: int, output: int) -> None:
        count, tokens = self._seen[role]
        self._seen[role] = (count + 1, tokens + output)
        self._inside[role] -= 1
        self._open[role] -= 1
        follows = (REASONER, self._job.rollouts) if role == NAVIGATOR else (VERIFIER, 1)
        self._held.extend([(follows[0], problem)] * follows[1])
        if not self._job.barrier or not self._open[role]:
            while self._held:
                name, of_problem = self._held.popleft()
                self._queues[name].append((self._env.now, of_problem))

    def _verified(self) -> None:
        self._verifying -= 1
        self._left -= 1
        if not self._left:
            self._done.succeed()
        self._pull()

    def _change(self, seat: Seat) -> Steps:
        """An engine ends, another starts."""
        yield self._env.timeout(self._job.start_s)
        seat.role, seat.changing = seat.next_role, False
        self._pull()

    def _look(self) -> Steps:
        while True:
            now = Counter(seat.next_role for seat in self._seats)
            sizes = {role: now[role] for role in LENGTHS} | {VERIFIER: self._verifiers}
            wanted = self._policy(sizes, self._demands())
            self._verifiers = wanted[VERIFIER]
            for role, other in ((NAVIGATOR, REASONER), (REASONER, NAVIGATOR)):
                others = [seat for seat in self._seats if seat.next_role == other]
                for seat in others[: max(0, wanted[role] - now[role])]:
                    seat.next_role = role
                    self._leave(seat)
            self._pull()
            yield self._env.timeout(EVERY_S)

    def _demands(self) -> dict[str, Demand]:
        return {role: self._demand(role) for role in (*LENGTHS, VERIFIER)}

    def _demand(self, role: str) -> Demand:
        """What is measured: what waits, what is inside, what will follow, how long answers have been."""
        queue = self._queues[role]
        requests, request_s = len(queue) + self._inside[role], VERDICT_S
        if role != VERIFIER:
            if not self._job.barrier:
                requests = self._open[role]
            count, tokens = self._seen[role]
            mean = tokens / count if count >= MEASURED else MEANS[role]
            step_s = self._speed.step(self._speed.places)
            request_s = PROMPT / self._speed.prompt_tokens_per_s + mean * step_s / self._speed.places
        oldest_s = self._env.now - queue[0][0] if queue else 0.0
        return Demand(requests=requests, request_s=request_s, oldest_s=oldest_s)


def staying(sizes: Sizes, demands: Mapping[str, Demand]) -> Sizes:
    """The policy of sizes that stay."""
    return sizes


def following(replicas: int, move_s: float) -> Policy:
    """The planner's."""
    shapes = {role: Shape(takes={"GPU": 4.0}) for role in LENGTHS} | {VERIFIER: Shape(takes={"CPU": 1.0}, least=1)}
    capacity = {"GPU": 4.0 * replicas, "CPU": CPUS}
    return lambda now, demands: resized(now, demands, shapes, capacity, move_s)


def compare(replicas: int, job: Job, splits: list[int]) -> list[tuple[str, float, float]]:
    """Name, seconds and busy share of each policy."""
    found: list[tuple[str, float, float]] = []
    for count in splits:
        first = {NAVIGATOR: count, REASONER: replicas - count, VERIFIER: FIXED_VERIFIERS}
        found.append((f"{count} + {replicas - count}", *Flow(replicas, job, first, staying).run()))
    return [*found, ("planner", *Flow(replicas, job, None, following(replicas, job.start_s)).run())]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicas", type=int, default=16)
    parser.add_argument("--problems", type=int, default=2000)
    parser.add_argument("--harder", type=float, default=2.0)
    options = parser.parse_args()
    splits = sorted({max(1, round(options.replicas * share)) for share in (0.0625, 0.125, 0.1875, 0.25, 0.375, 0.5)})
    print(f"{'flow':>8} {'navigators + reasoners':>23} {'seconds':>8} {'busy':>6}")
    for barrier in (True, False):
        job = Job(problems=options.problems, harder=options.harder, barrier=barrier)
        for name, seconds, busy in compare(options.replicas, job, splits):
            print(f"{'barrier' if barrier else 'flow':>8} {name:>23} {seconds:8.0f} {busy:6.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
