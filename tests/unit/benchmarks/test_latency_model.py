"""An engine's time: alone, side by side, behind others, and against a run that was published."""

import math
import random

import pytest

from benchmarks.performance.latency_model import ONE_A100, Batch, Lengths, Speed

SPEED = Speed(step_s=0.1, sequence_s=0.05, prompt_tokens_per_s=100, places=2)


def drain(batch: Batch) -> list[tuple[str, float]]:
    """Keys and when they end, until nothing is left."""
    ended = []
    while (end := batch.next_end()) < math.inf:
        ended += [(key, round(batch.now, 6)) for key in batch.advance(end)]
    return ended


def test_a_request_alone_takes_its_prompt_and_its_steps() -> None:
    batch = Batch(SPEED)
    batch.add("a", prompt=50, output=10)
    assert drain(batch) == [("a", 0.5 + 10 * 0.15)]
    assert batch.place_s == batch.work_s == pytest.approx(2.0)


def test_steps_of_two_are_longer_and_a_third_waits_for_a_place() -> None:
    batch = Batch(SPEED)
    for key, output in (("a", 10), ("b", 20), ("c", 5)):
        batch.add(key, prompt=0, output=output)
    assert (batch.running, batch.waiting) == (2, 1)
    assert drain(batch) == [("a", 2.0), ("c", 3.0), ("b", 3.75)]  # 10 steps of two, 5 of two, 5 of one
    assert batch.place_s == pytest.approx(2 * 3.0 + 0.75)


def test_a_prompt_that_is_read_holds_everybody_up() -> None:
    batch = Batch(SPEED)
    batch.add("a", prompt=0, output=10)
    assert batch.advance(0.75) == []  # half of it
    batch.add("b", prompt=100, output=1)
    assert drain(batch) == [("b", 0.75 + 1.0 + 0.2), ("a", 0.75 + 1.0 + 0.2 + 4 * 0.15)]


def test_it_makes_no_difference_how_often_somebody_looks() -> None:
    seldom, often = Batch(SPEED), Batch(SPEED)
    drawn = random.Random(1)
    for index in range(40):
        asked = (index, drawn.randrange(50), 1 + drawn.randrange(30))
        seldom.add(*asked)
        often.add(*asked)
    ended: list[int] = []
    for tick in range(5000):
        ended += often.advance(tick * 0.1)
    assert sorted(ended) == sorted(seldom.advance(500.0))  # two that end at once come in any order
    assert often.place_s == pytest.approx(seldom.place_s)


def test_lengths_are_lognormal_and_end_at_the_limit() -> None:
    lengths = Lengths(median=500, sigma=0.8, most=3072)
    assert (lengths.at(0.5), lengths.at(1.0)) == (500, 3072)
    assert lengths.at(0.8413) == pytest.approx(500 * math.exp(0.8), rel=0.01)
    assert 600 < lengths.mean < 700


def test_a_distribution_is_found_again_in_what_was_drawn_from_it() -> None:
    lengths = Lengths(median=500, sigma=0.8, most=10**6)
    found = Lengths.of([lengths.at((index + 0.5) / 2000) for index in range(2000)], most=10**6)
    assert found.median == pytest.approx(500, rel=0.01)
    assert found.sigma == pytest.approx(0.8, rel=0.01)


def test_a_published_run_of_1000_requests_on_one_a100_takes_as_long_in_the_model() -> None:
    """GPUStack's performance lab, Qwen3-32B on one A100-80GB, vLLM 0.11: 217,393 tokens in, 201,396 out, 241.94 s."""
    lengths, batch = Lengths(median=110, sigma=1.2, most=800), Batch(ONE_A100)  # ShareGPT's mean, and a long tail
    drawn = [lengths.at((index + 0.5) / 1000) for index in random.Random(0).sample(range(1000), 1000)]
    scale = 201_396 / sum(drawn)
    for index, output in enumerate(drawn):
        batch.add(str(index), prompt=217, output=max(1, round(output * scale)))
    last = drain(batch)[-1][1]
    assert last == pytest.approx(241.94, rel=0.1)
