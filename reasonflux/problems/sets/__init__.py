"""Problem sets by name, one file each: where a set is to be had, what its rows hold, how it is checked and graded."""

from collections.abc import Mapping

from reasonflux.problems.sets import (
    aime24,
    aime25,
    aime_1983_2023,
    amc23,
    gaokao2023en,
    gpqa_diamond,
    gsm8k,
    math500,
    math_train,
    olympiadbench,
)
from reasonflux.problems.sets.problem_set import LoadedSet, ProblemSet, load_set

PROBLEM_SETS: Mapping[str, ProblemSet] = {
    "math500": math500.SET,
    "aime24": aime24.SET,
    "aime25": aime25.SET,
    "aime_1983_2023": aime_1983_2023.SET,
    "amc23": amc23.SET,
    "olympiadbench": olympiadbench.SET,
    "gaokao2023en": gaokao2023en.SET,
    "gpqa_diamond": gpqa_diamond.SET,
    "math_train": math_train.SET,
    "gsm8k": gsm8k.SET,
}

__all__ = ["PROBLEM_SETS", "LoadedSet", "ProblemSet", "load_set"]
