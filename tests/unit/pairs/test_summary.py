import json
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from reasonflux.pairs.counts import Mean, ShardCounts
from reasonflux.pairs.report import PairReport
from reasonflux.pairs.summary import RunSummary

GOOD = ShardCounts(
    problems=96,
    trajectories=768,
    distinct=300,
    steps=1500,
    steps_in_library=1490,
    rollouts=2100,
    verdicts={"correct": 1000, "wrong": 1080, "truncated": 20},
    reward=Mean.of([0.25, 0.75] * 48),
    navigator_pairs=PairReport(groups=96, paired=90, pairs=310, no_pair={"one_distinct_plan": 6}),
    reasoner_pairs=PairReport(groups=300, paired=250, pairs=250, no_pair={"none_wrong": 50}),
)
HOPELESS = ShardCounts(
    problems=500,
    trajectories=4000,
    distinct=2000,
    steps=4000,
    steps_in_library=100,
    rollouts=3210,
    verdicts={"wrong": 2200, "unparsed": 1000, "error": 10},
    reward=Mean.of([0.0] * 500),
    navigator_pairs=PairReport(groups=500, no_pair={"all_rewards_zero": 490, "one_distinct_plan": 10}),
    reasoner_pairs=PairReport(groups=2000, no_pair={"none_correct": 2000}),
    failures={"rollouts: prompt_too_long": 10},
)


def summary(counts: ShardCounts) -> RunSummary:
    return RunSummary(
        counts=counts,
        margin=0.25,
        seconds=100.0,
        generating_s=50.0,
        output_tokens=10_000,
        run="runs/a",
        dataset="runs/a/dataset/b",
    )


def test_a_run_that_went_well_says_how_many_pairs_and_no_more() -> None:
    assert summary(GOOD).words() == [
        "Navigator pairs: 310, from 90 of 96 problems.",
        "Reasoner pairs: 250, from 250 of 300 plans at a problem.",
    ]


def test_a_reasoner_that_solves_nothing_is_named_with_what_follows_from_it() -> None:
    assert summary(HOPELESS).words() == [
        "Steps named as in the library: 100 (2.5%); the others were resolved to the closest name, if there was one. "
        "This navigator hardly knows the library.",
        "0 of 3,200 rollouts were correct: this reasoner cannot solve these problems, and rewards are near zero.",
        "1,000 of 3,200 (31.2%) rollouts were unparsed: no answer could be read in them.",
        "Navigator pairs: 0, from 0 of 500 problems.",
        "500 gave no navigator pair: 490 since no plan led to a correct answer; "
        "10 since all draws that could be rewarded gave one and the same plan.",
        "Reasoner pairs: 0, from 0 of 2,000 plans at a problem.",
        "2,000 gave no reasoner pair: 2,000 since no rollout was correct.",
        "Rows that could not be done, and stand in the run as failed: 10 (10 × rollouts: prompt_too_long).",
    ]


@pytest.mark.parametrize(
    ("verdicts", "sentence"),
    [
        ({"correct": 10, "wrong": 990}, "10 of 1,000 (1.0%) rollouts were correct: this reasoner can hardly solve"),
        ({"correct": 500, "truncated": 500}, "were truncated: raise sampling.reasoner.max_tokens."),
        ({"correct": 500, "timeout": 500}, "were not graded in time: the verifier was killed at its deadline."),
        ({"error": 1000}, "No rollout could be made and graded, so that there is no reward."),
    ],
)
def test_what_spoils_rewards_is_named(verdicts: dict[str, int], sentence: str) -> None:
    counts = replace(GOOD, rollouts=1000, verdicts=verdicts)
    assert any(sentence in line for line in summary(counts).words())


def test_the_margin_is_named_where_rewards_are_too_close() -> None:
    report = PairReport(groups=10, no_pair={"margin_too_small": 10})
    words = summary(replace(GOOD, navigator_pairs=report)).words()
    assert "10 gave no navigator pair: 10 since no two rewards were 0.25 apart." in words


def test_the_table_holds_every_count() -> None:
    console = Console(width=100, record=True, file=StringIO())
    console.print(summary(HOPELESS).table())
    text = console.export_text()
    for part in (
        "problems",
        "500",
        "4,000",
        "2,000",
        "wrong",
        "2,200 (68.5%)",
        "0.000 (0.000 to 0.007)",
        "200",
        "100.0",
    ):
        assert part in text


def test_json_holds_counts_figures_and_words() -> None:
    values = json.loads(json.dumps(summary(GOOD).to_json()))
    assert values["problems"] == 96
    assert values["mean_reward"]["value"] == 0.5
    assert values["tokens_per_second"] == 200
    assert values["navigator_pairs"]["pairs"] == 310
    assert values["words"] == summary(GOOD).words()


def test_a_session_that_generated_nothing_has_no_rate() -> None:
    idle = replace(summary(GOOD), output_tokens=0, generating_s=0.0)
    assert idle.tokens_per_second is None
    assert ("output tokens/s", "–") in list(idle.rows())
