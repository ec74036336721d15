"""What is watched while a model trains, and when it is stopped: a collapse is an outcome, not an exception.

`verdict` says what is wrong with a few numbers; `Watcher` takes them from TRL's log and from plans sampled of the model
as it is. Nothing here loads torch before training does.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from transformers.trainer_callback import TrainerCallback, TrainerControl, TrainerState
from transformers.training_args import TrainingArguments

from reasonflux.library.resolve import Resolver
from reasonflux.reasoning.parsing import parse_plan
from reasonflux.reasoning.plans import resolve_step
from reasonflux.training.recipe import Watch
from reasonflux.training.rows import Chat, Row

CHOSEN_DROP = "watch/chosen_logprob_drop"  # nats a token below the start's; negative while it rises
LENGTH_DIFFERENCE = "watch/length_difference"  # tokens, chosen − rejected, mean over the pairs
IN_LIBRARY = "watch/in_library"  # share of the names in sampled plans that stand in the library as written
PLAN_TOKENS = "watch/plan_tokens"  # of a sampled plan, mean

Probe = Callable[[Any], Mapping[str, float]]  # the model being trained → what was measured of it


def verdict(watch: Watch, figures: Mapping[str, float]) -> str | None:
    """What is wrong with the latest figures, in one line; None while all is well."""
    loss = figures.get("loss")
    if loss is not None and not math.isfinite(loss):
        return f"the loss is {loss}"
    drop, most = figures.get(CHOSEN_DROP), watch.chosen_logprob_drop
    if drop is not None and most is not None and drop > most:
        return f"the chosen answers' log-probability fell by {drop:.3g} nats a token, allowed are {most:g}"
    share, least = figures.get(IN_LIBRARY), watch.least_in_library
    if share is not None and least is not None and share < least:
        return f"{share:.0%} of the names in sampled plans are in the library, at least {least:.0%} should be"
    return None


class Watcher(TrainerCallback):
    """Adds watched figures to the trainer's log and stops the training when they collapse; see `verdict`."""

    def __init__(self, watch: Watch, *, beta: float | None = None, probe: Probe | None = None) -> None:
        """`beta` of DPO, whose logged rewards it scales; `probe` is called every `watch.every_steps` steps."""
        self._watch, self._beta, self._probe = watch, beta, probe
        self._tokens = 1.0
        self._own: dict[str, float] = {}  # what TRL does not log
        self.figures: dict[str, float] = {}  # the latest of everything
        self.collapse: str | None = None

    def measure_lengths(self, dataset: Any) -> None:
        """Takes the answers' lengths out of a trainer's data; call it before the training."""
        if self._beta is None:
            return
        chosen, rejected = ([len(ids) for ids in dataset[f"{side}_ids"]] for side in ("chosen", "rejected"))
        self._tokens = sum(chosen) / len(chosen)
        self._own[LENGTH_DIFFERENCE] = self._tokens - sum(rejected) / len(rejected)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """Samples plans at every so many steps, and after the last, which is always logged."""
        last = state.global_step >= state.max_steps
        due = last or state.global_step % self._watch.every_steps == 0
        if self._probe and due:
            self._own |= self._probe(kwargs["model"])
        if last or (self._probe and due):
            control.should_log = True
        return control

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> TrainerControl:
        """Stops the training in every process at the same step: logged figures are those of all of them."""
        logs = logs or {}
        if "loss" not in logs:
            return control  # the summary at the end
        if self._beta is not None:
            # Rewards are β × what the policy says above the reference, which is the model at the start.
            self._own[CHOSEN_DROP] = -logs["rewards/chosen"] / self._beta / self._tokens
        logs |= self._own
        state.log_history[-1].update(logs)
        self.figures |= {name: value for name, value in logs.items() if isinstance(value, int | float)}
        self.collapse = self.collapse or verdict(self._watch, logs)
        if self.collapse:
            control.should_training_stop = True
        return control


def in_library(plans: Sequence[str], resolver: Resolver) -> float:
    """Share of the names in plans, as written, that stand in the library; a plan without a name is one miss."""
    hits = names = 0
    for text in plans:
        steps = [resolve_step(written, resolver)[1] for written in parse_plan(text, "templates")]
        hits, names = hits + sum(steps), names + max(1, len(steps))
    return hits / names if names else 0.0


def first_prompts(rows: Sequence[Row], count: int) -> list[Chat]:
    """Distinct prompts of the data, at most `count`, spread over it."""
    distinct = list({str(row["prompt"]): row["prompt"] for row in rows}.values())
    return distinct[:: max(1, len(distinct) // count)][:count]
