"""What a run of the main job says at its end: a table for people, JSON for machines, and plain words for both."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reasonflux.pairs.counts import ShardCounts
from reasonflux.pairs.report import PairReport
from reasonflux.records import Verdict

if TYPE_CHECKING:
    from rich.table import Table

FEW = 0.02  # share of correct rollouts below which the words say that the reasoner cannot do it
MANY = 0.2  # share of truncated or unparsed rollouts, and of problems without a pair, from which the words name it


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """A run's counts, and what this session of it took; what an earlier session committed costs this one nothing."""

    counts: ShardCounts
    margin: float  # least R⁺ − R⁻ of a navigator pair
    seconds: float  # of this session
    generating_s: float  # of these, with completions in flight
    output_tokens: int  # made in this session, both roles
    run: str  # where the run directory is
    dataset: str  # where the pairs were published

    @property
    def tokens_per_second(self) -> float | None:
        """Output tokens a second while generating; None when this session generated nothing."""
        return self.output_tokens / self.generating_s if self.output_tokens and self.generating_s else None

    def to_json(self) -> dict[str, Any]:
        """Everything that the table and the words hold, as plain values."""
        reward = self.counts.reward
        return {
            **self.counts.to_json(),
            "mean_reward": {"value": reward.value, "interval_95": reward.interval(), "problems": reward.n},
            "margin": self.margin,
            "seconds": self.seconds,
            "generating_s": self.generating_s,
            "output_tokens": self.output_tokens,
            "tokens_per_second": self.tokens_per_second,
            "run": self.run,
            "dataset": self.dataset,
            "words": self.words(),
        }

    def table(self) -> "Table":
        """Two columns, for a terminal."""
        from rich.table import Table

        table = Table(show_header=False)
        table.add_column()
        table.add_column(justify="right")
        for name, value in self.rows():
            table.add_row(name, value)
        return table

    def rows(self) -> Iterator[tuple[str, str]]:
        """Name and value of each line of the table."""
        counts = self.counts
        yield "problems", f"{counts.problems:,}"
        yield "trajectories", f"{counts.trajectories:,}"
        yield "distinct trajectories", f"{counts.distinct:,}"
        yield "steps named as in the library", _share(counts.steps_in_library, counts.steps)
        yield "rollouts", f"{counts.rollouts:,}"
        for verdict in Verdict:
            yield f"  {verdict.value}", _share(counts.verdicts.get(verdict.value, 0), counts.rollouts)
        yield "mean reward (95% interval)", _mean_reward(counts)
        yield "navigator pairs", f"{counts.navigator_pairs.pairs:,}"
        yield "reasoner pairs", f"{counts.reasoner_pairs.pairs:,}"
        yield "failures", f"{sum(counts.failures.values()):,}"
        yield "output tokens, this session", f"{self.output_tokens:,}"
        rate = self.tokens_per_second
        yield "output tokens/s", "–" if rate is None else f"{rate:,.0f}"
        yield "seconds, this session", f"{self.seconds:,.1f}"

    def words(self) -> list[str]:
        """Sentences that say what happened, and why pairs are few where they are."""
        counts = self.counts
        return [
            *_on_plans(counts),
            *_on_rollouts(counts),
            *_on_pairs(counts.navigator_pairs, "navigator", "problems", _navigator_reasons(self.margin)),
            *_on_pairs(counts.reasoner_pairs, "reasoner", "plans at a problem", _REASONER_REASONS),
            *_on_failures(counts),
        ]


def _navigator_reasons(margin: float) -> dict[str, str]:
    return {
        "all_rewards_zero": "no plan led to a correct answer",
        "all_rewards_one": "every plan led to correct answers alone",
        "all_rewards_equal": "all plans had the same reward",
        "margin_too_small": f"no two rewards were {margin:g} apart",
        "one_distinct_plan": "all draws that could be rewarded gave one and the same plan",
        "no_plan_rewarded": "no plan could be rewarded",
        "duplicate": "another problem of the same text gave the same pairs",
    }


_REASONER_REASONS = {
    "none_correct": "no rollout was correct",
    "none_wrong": "no rollout was wrong",
    "too_few_graded": "too many rollouts failed",
    "reward_too_low": "the plan's reward was below pairs.reasoner_least_reward",
    "duplicate": "another problem of the same text gave the same pairs",
}


def _on_plans(counts: ShardCounts) -> Iterator[str]:
    if counts.steps and counts.steps_in_library < counts.steps / 2:
        share = _share(counts.steps_in_library, counts.steps)
        yield (
            f"Steps named as in the library: {share}; the others were resolved to the closest name, if there was one. "
            "This navigator hardly knows the library."
        )


def _on_rollouts(counts: ShardCounts) -> Iterator[str]:
    tried = counts.rollouts - counts.verdicts.get(Verdict.ERROR.value, 0)
    if not tried:
        yield "No rollout could be made and graded, so that there is no reward."
        return
    correct = counts.verdicts.get(Verdict.CORRECT.value, 0)
    if correct <= FEW * tried:
        what = "cannot solve these problems" if correct == 0 else "can hardly solve these problems"
        yield f"{_of(correct, tried)} rollouts were correct: this reasoner {what}, and rewards are near zero."
    for verdict, remedy in (
        (Verdict.TRUNCATED, "raise sampling.reasoner.max_tokens"),
        (Verdict.UNPARSED, "no answer could be read in them"),
        (Verdict.TIMEOUT, "the verifier was killed at its deadline"),
    ):
        times = counts.verdicts.get(verdict.value, 0)
        if times >= MANY * tried:
            yield f"{_of(times, tried)} rollouts were {_CALLED[verdict]}: {remedy}."


_CALLED = {Verdict.TRUNCATED: "truncated", Verdict.UNPARSED: "unparsed", Verdict.TIMEOUT: "not graded in time"}


def _on_pairs(report: PairReport, role: str, groups: str, reasons: Mapping[str, str]) -> Iterator[str]:
    if not report.groups:
        return
    yield f"{role.capitalize()} pairs: {report.pairs:,}, from {report.paired:,} of {report.groups:,} {groups}."
    without = report.groups - report.paired
    if without >= MANY * report.groups:
        told = sorted(report.no_pair.items(), key=lambda item: (-item[1], item[0]))
        listed = "; ".join(f"{times:,} since {reasons.get(reason, reason)}" for reason, times in told)
        yield f"{without:,} gave no {role} pair: {listed}."


def _on_failures(counts: ShardCounts) -> Iterator[str]:
    failed = sum(counts.failures.values())
    if failed:
        told = sorted(counts.failures.items(), key=lambda item: (-item[1], item[0]))
        listed = "; ".join(f"{times:,} × {what}" for what, times in told)
        yield f"Rows that could not be done, and stand in the run as failed: {failed:,} ({listed})."


def _mean_reward(counts: ShardCounts) -> str:
    value, interval = counts.reward.value, counts.reward.interval()
    if value is None:
        return "–"
    return f"{value:.3f}" if interval is None else f"{value:.3f} ({interval[0]:.3f} to {interval[1]:.3f})"


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({part / whole:.1%})" if whole else f"{part:,}"


def _of(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,}" if not 0 < part < whole else f"{part:,} of {whole:,} ({part / whole:.1%})"
