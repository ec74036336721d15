"""The data set's card: what `load_dataset` and the Hub read, and what a reader should know before training on it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

import yaml

from reasonflux.config import PairsJob
from reasonflux.pairs.counts import ShardCounts
from reasonflux.pairs.provenance import Provenance, Role

_SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000)
_NAMES = ("1K", "10K", "100K", "1M", "10M", "100M", "1B")

_COLUMNS = (
    ("prompt", "messages `{role, content}` that the model was asked with"),
    ("chosen, rejected", "one assistant message each; a plan is in canonical form, a rollout verbatim"),
    ("score_chosen, score_rejected", "navigator: trajectory reward, 0 to 1; reasoner: verdict, 1 or 0"),
    ("margin", "score_chosen − score_rejected"),
    ("n_chosen, n_rejected", "rollouts behind each score"),
    ("standard_error_chosen, standard_error_rejected", "of each score; null where one rollout is all there is"),
    ("multiplicity_chosen, multiplicity_rejected", "draws that gave this very text"),
    ("id, role", "of the pair, and the model that it trains"),
    ("problem_id, trajectory_id, chosen_id, rejected_id", "rows of the run; trajectory_id: reasoner pairs only"),
    ("checkpoint", "digest of the model that wrote both sides"),
    ("reasoner", "digest of the model whose rollouts were rewarded"),
    ("library, prompts", "digests of the template library and the prompt set"),
    ("round", "round of training that the pairs are for"),
)


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    """What the card tells; nothing that differs between two runs of equal outcome, for its text is in the digest."""

    job: PairsJob
    provenance: Provenance
    purity: float | None  # mean share of X_sim in x's family; None where families are unknown
    counts: ShardCounts


def card(facts: CardFacts, rows: Mapping[Role, int]) -> str:
    """The text of README.md: YAML header and Markdown. `rows`: pairs of each role."""
    return f"---\n{_header(facts, rows)}---\n\n{_body(facts, rows)}"


def _header(facts: CardFacts, rows: Mapping[Role, int]) -> str:
    first = next((role for role in Role if rows[role]), Role.NAVIGATOR)
    configs = [
        {
            "config_name": role.value,
            **({"default": True} if role is first else {}),
            "data_files": [{"split": "train", "path": f"{role.value}/*.parquet"}],
        }
        for role in Role
    ]
    # load_dataset refuses a copy whose rows are not num_examples, one that lacks files. It wants num_bytes (of its own
    # cache) too, but does not look at it.
    sizes = [
        {"config_name": role.value, "splits": [{"name": "train", "num_bytes": 0, "num_examples": rows[role]}]}
        for role in Role
    ]
    header = {
        "pretty_name": f"Preference pairs of {facts.job.name}, round {facts.provenance.round}",
        "license": "other",
        "task_categories": ["text-generation"],
        "tags": ["preference", "dpo", "trl", "reasoning"],
        "size_categories": [_size(sum(rows.values()))],
        "configs": configs,
        "dataset_info": sizes,
    }
    return yaml.safe_dump(header, sort_keys=False, allow_unicode=True)


def _size(rows: int) -> str:
    """The Hub's size category."""
    smaller = [index for index, bound in enumerate(_SIZES) if rows >= bound]
    if not smaller:
        return f"n<{_NAMES[0]}"
    index = smaller[-1]
    return f"n>{_NAMES[-1]}" if index == len(_SIZES) - 1 else f"{_NAMES[index]}<n<{_NAMES[index + 1]}"


def _body(facts: CardFacts, rows: Mapping[Role, int]) -> str:
    job, provenance = facts.job, facts.provenance
    return f"""# Preference pairs of {job.name}, round {provenance.round}

Pairs for preference training (DPO) of the two models of a reasoning system: the *navigator*, which plans how to solve
a problem, and the *reasoner*, which carries a plan out. Each row holds the scores that decided it, and the ids and
digests of what it was made from.

```python
from datasets import load_dataset

pairs = load_dataset("path/of/this/directory", "navigator", split="train")  # or "reasoner"
```

TRL takes them as they are; the columns after `rejected` are not used in training:

```
trl dpo --dataset_name path/of/this/directory --dataset_config navigator --model_name_or_path MODEL --output_dir OUT
```
{_empty(rows)}
## How they were made

{_table("what", "value", _settings(facts))}

- A navigator pair sets two plans for one problem against each other. A plan's score is its trajectory reward: the share
  of correct rollouts over the problem and those similar to it (arXiv 2502.06772, Eq. 3). Scores differ by at least
  {job.pairs.margin:g}; ties are never paired; equal plans are one, with their multiplicity.
- A reasoner pair sets a correct and a wrong rollout of one problem under one plan against each other. Rollouts that
  were truncated, could not be read, or could not be graded are in no pair.

{_table("count", "", _counted(facts, rows))}

## Columns

{_table("column", "content", _COLUMNS)}

## Limits

- A reward is an estimate from few rollouts; `n_*` and `standard_error_*` say how few. A margin of one or two standard
  errors may be chance: filter by `margin` for fewer and surer pairs.
- What counts as similar is the provider's choice, and a plan is rewarded for what it does there.
- Answers are graded by a program against one gold answer. Where it errs, a pair errs.
- The rewards are those of the one reasoner named above; another may rank the same plans otherwise.
- Texts derive from the problem set, the template library and the models named above, and their licences apply.
"""


def _empty(rows: Mapping[Role, int]) -> str:
    """How to read a part without rows, where there is one: `datasets` 5.2 knows such a split in streaming mode only."""
    empty = [f"`{role.value}`" for role in Role if not rows[role]]
    if not empty:
        return ""
    return (
        f"\n**There is no pair in {' and '.join(empty)}.** The Parquet file there has the columns and no rows: "
        "`load_dataset` reads\nit with `streaming=True`, and says `corresponds to no data` without.\n"
    )


def _settings(facts: CardFacts) -> list[tuple[str, str]]:
    job, provenance = facts.job, facts.provenance
    source = job.problems
    sampling = job.sampling
    return [
        ("problems", " ".join(part for part in (source.source, _named(source.path), source.split) if part)),
        ("similar problems", f"{job.similar.provider}, {job.similar.count} with the problem itself"),
        ("their purity", "unknown: no families" if facts.purity is None else f"{facts.purity:.3f} in the same family"),
        ("template library", provenance.library),
        ("prompts", provenance.prompts),
        ("navigator", f"{_named(job.navigator.model)} ({provenance.navigator})"),
        ("reasoner", f"{_named(job.reasoner_spec.model)} ({provenance.reasoner})"),
        ("plans a problem", f"{sampling.trajectories} at temperature {sampling.navigator.temperature:g}"),
        (
            "rollouts a plan",
            f"{sampling.rollouts_own} of its problem, {sampling.rollouts_similar} of each similar one, "
            f"at temperature {sampling.reasoner.temperature:g}",
        ),
        ("least margin", f"{job.pairs.margin:g}"),
        ("pairs a problem", f"at most {job.pairs.per_problem}{', balanced' if job.pairs.balance else ''}"),
        ("pairs a plan and problem", f"at most {job.pairs.reasoner_per_trajectory} (reasoner)"),
        ("least reward of their plan", f"{job.pairs.reasoner_least_reward:g} (reasoner)"),
        ("seed", str(job.seed)),
    ]


def _counted(facts: CardFacts, rows: Mapping[Role, int]) -> list[tuple[str, str]]:
    counts = facts.counts
    value, interval = counts.reward.value, counts.reward.interval()
    reward = "none" if value is None else f"{value:.3f}"
    if interval is not None:
        reward += f" (95% interval over {counts.reward.n:,} problems: {interval[0]:.3f} to {interval[1]:.3f})"
    return [
        ("problems", f"{counts.problems:,}"),
        ("plans, distinct", f"{counts.trajectories:,}, {counts.distinct:,}"),
        ("rollouts", f"{counts.rollouts:,}"),
        *((f"of these {verdict}", f"{times:,}") for verdict, times in counts.verdicts.items()),
        ("mean reward", reward),
        ("navigator pairs", f"{rows[Role.NAVIGATOR]:,} from {counts.navigator_pairs.paired:,} problems"),
        ("reasoner pairs", f"{rows[Role.REASONER]:,} from {counts.reasoner_pairs.paired:,} plans and problems"),
    ]


def _named(place: str) -> str:
    """The last part of an absolute path, since the rest tells others nothing; URIs and names as they are."""
    return PurePath(place).name if place.startswith("/") else place


def _table(left: str, right: str, rows: Iterable[tuple[str, str]]) -> str:
    lines = [f"| {left} | {right} |", "|---|---|"]
    lines += [f"| {_cell(name)} | {_cell(value)} |" for name, value in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
