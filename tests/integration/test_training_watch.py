"""When a training is stopped, and on which figures."""

import math
from types import SimpleNamespace

import pytest
from transformers.trainer_callback import TrainerControl, TrainerState

from reasonflux.library.load import load_library
from reasonflux.library.resolve import Resolver
from reasonflux.training.recipe import Watch
from reasonflux.training.watch import (
    CHOSEN_DROP,
    IN_LIBRARY,
    LENGTH_DIFFERENCE,
    Watcher,
    first_prompts,
    in_library,
    verdict,
)

WATCH = Watch(chosen_logprob_drop=0.5, least_in_library=0.8, every_steps=10)


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        ({"loss": 0.1, CHOSEN_DROP: 0.5, IN_LIBRARY: 0.8}, None),
        ({CHOSEN_DROP: -3.0}, None),
        ({"loss": math.nan}, "the loss is nan"),
        ({"loss": math.inf}, "the loss is inf"),
        ({CHOSEN_DROP: 0.51}, "fell by 0.51 nats a token, allowed are 0.5"),
        ({IN_LIBRARY: 0.79}, "79% of the names in sampled plans are in the library, at least 80% should be"),
    ],
)
def test_a_collapse_is_told_in_one_line(figures: dict[str, float], told: str | None) -> None:
    found = verdict(WATCH, figures)
    assert (found is None) if told is None else (found is not None and told in found)


def test_without_bounds_only_a_loss_that_is_no_number_counts() -> None:
    assert verdict(Watch(), {"loss": 9.0, CHOSEN_DROP: 99.0, IN_LIBRARY: 0.0}) is None
    assert verdict(Watch(), {"loss": math.nan})


def watched(watcher: Watcher, rewards: float, step: int = 1) -> tuple[dict[str, float], bool]:
    logs = {"loss": 1.0, "rewards/chosen": rewards}
    state = TrainerState(global_step=step, max_steps=100, log_history=[dict(logs)])
    control = watcher.on_log(None, state, TrainerControl(), logs=logs)
    return state.log_history[-1], control.should_training_stop


def test_the_drop_is_in_nats_a_token_of_the_chosen_and_stops_the_training() -> None:
    watcher = Watcher(WATCH, beta=0.5)
    watcher.measure_lengths({"chosen_ids": [[1] * 4, [1] * 6], "rejected_ids": [[1] * 2, [1] * 2]})
    logged, stopped = watched(watcher, -0.5)
    assert logged[CHOSEN_DROP] == pytest.approx(0.2)
    assert (logged[LENGTH_DIFFERENCE], stopped) == (3.0, False)
    assert watched(watcher, -1.3)[1]
    assert watcher.collapse == "the chosen answers' log-probability fell by 0.52 nats a token, allowed are 0.5"


def test_plans_are_sampled_every_so_many_steps_and_after_the_last() -> None:
    asked = []

    def probe(model: int) -> dict[str, float]:
        asked.append(model)
        return {IN_LIBRARY: 0.5}

    watcher = Watcher(WATCH, probe=probe)
    for step in (5, 10, 99, 100):
        state = SimpleNamespace(global_step=step, max_steps=100)
        watcher.on_step_end(None, state, TrainerControl(), model=step)
    assert asked == [10, 100]
    assert watched(watcher, 0.0)[1]


def test_names_count_as_they_are_written_and_an_empty_plan_is_a_miss() -> None:
    library = load_library("testbed")
    known = library.templates[0].name
    resolver = Resolver(library)
    assert in_library([f"1. {known}\n2. {known}"], resolver) == 1.0
    assert in_library([f"1. {known}\n2. {known}x"], resolver) == 0.5  # a close name is none
    assert in_library([f"1. {known}", ""], resolver) == 0.5
    assert in_library([], resolver) == 0.0


def test_prompts_are_distinct_and_spread_over_the_data() -> None:
    rows = [{"prompt": [{"role": "user", "content": str(number // 2)}]} for number in range(40)]
    chosen = [prompt[0]["content"] for prompt in first_prompts(rows, 5)]
    assert chosen == ["0", "4", "8", "12", "16"]
    assert len(first_prompts(rows, 100)) == 20
