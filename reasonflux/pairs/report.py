"""How many pairs came of how much, and why the rest gave none."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from reasonflux.records import Pair


class NoPair(StrEnum):
    """Why a problem (navigator), or a problem under one trajectory (reasoner), gave no pair."""

    NO_PLAN_REWARDED = "no_plan_rewarded"  # every plan failed, or all its rollouts did
    ONE_DISTINCT_PLAN = "one_distinct_plan"
    ALL_REWARDS_ZERO = "all_rewards_zero"
    ALL_REWARDS_ONE = "all_rewards_one"
    ALL_REWARDS_EQUAL = "all_rewards_equal"
    MARGIN_TOO_SMALL = "margin_too_small"
    TOO_FEW_GRADED = "too_few_graded"  # rollouts failed, and fewer than the least number is left
    NONE_CORRECT = "none_correct"
    NONE_WRONG = "none_wrong"  # something was correct; nothing was read and found wrong
    REWARD_TOO_LOW = "reward_too_low"  # of the plan: the rollouts would have made a pair
    DUPLICATE = "duplicate"  # its pairs stand in the shard already, from another problem of the same text


@dataclass(frozen=True, kw_only=True)
class PairReport:
    """Counts over groups: problems for the navigator, problems under one trajectory for the reasoner. Adds up."""

    groups: int = 0
    paired: int = 0  # groups that gave a pair
    pairs: int = 0
    no_pair: Mapping[str, int] = field(default_factory=dict)  # `NoPair` to groups; its sum is groups − paired

    def __add__(self, other: "PairReport") -> "PairReport":
        return PairReport(
            groups=self.groups + other.groups,
            paired=self.paired + other.paired,
            pairs=self.pairs + other.pairs,
            no_pair=dict(sorted((Counter(self.no_pair) + Counter(other.no_pair)).items())),
        )


@dataclass(frozen=True, kw_only=True)
class Built:
    """The pairs of one shard and one role, sorted by problem and id, and what became of the rest."""

    pairs: Sequence[Pair]
    report: PairReport
