"""Problem sets of the small world: numbers by split, problems, and the similar problems of a problem.

The split of a problem follows from its numbers alone, so no numbers stand in two splits, whatever the wording. Import
loads no model library.
"""

import random
import re
from functools import cache

from reasonflux.errors import BadInput
from reasonflux.identity import digest
from reasonflux.records import Problem
from reasonflux.testbed.execution import execute
from reasonflux.testbed.families import Family, Numbers
from reasonflux.testbed.subjects import FAMILIES

PROBLEM_SET = "testbed"
SPLITS = {"training": 55, "tuning": 15, "gate": 15, "final": 15}  # percent of the numbers
WHO = ("Ann", "Ben", "Carla", "Dan", "Eva", "Finn", "Gina", "Hugo")
THINGS = ("coat", "book", "lamp", "chair", "phone", "bike", "bag", "desk")


def split_of(numbers: Numbers) -> str:
    """The split that these numbers belong to, by their hash."""
    bucket = int(digest(dict(numbers)), 16) % 100
    for split, share in SPLITS.items():
        if bucket < share:
            return split
        bucket -= share
    raise AssertionError("the shares of the splits add up to 100")


def numbers_in(family: str, split: str) -> tuple[Numbers, ...]:
    """Every tuple of numbers of a family in one split. Raises `BadInput` for a split that does not exist."""
    if split not in SPLITS:
        raise BadInput(f"the testbed has no split {split!r}", f"Its splits are {', '.join(SPLITS)}")
    return _by_split(family)[split]


@cache
def _by_split(family: str) -> dict[str, tuple[Numbers, ...]]:
    groups: dict[str, list[Numbers]] = {split: [] for split in SPLITS}
    for numbers in FAMILIES[family].numbers():
        groups[split_of(numbers)].append(numbers)
    return {split: tuple(group) for split, group in groups.items()}


def trained_phrasings(family: Family) -> range:
    """Indices of the wordings that the navigator may see in training: all but the last."""
    return range(len(family.phrasings) - 1)


def is_held_out(family: Family, phrasing: int) -> bool:
    """True when the navigator never sees this family, or this wording of it, in training."""
    return family.held_out or phrasing not in trained_phrasings(family)


def make_problem(family: Family, numbers: Numbers, phrasing: int, rng: random.Random) -> Problem:
    """One problem; `rng` chooses the person and the thing that the wording may speak of."""
    text = family.phrasings[phrasing].format(**numbers, who=rng.choice(WHO), thing=rng.choice(THINGS))
    return Problem(
        id=digest(PROBLEM_SET, family.name, dict(numbers), text),
        text=text,
        gold=str(execute(numbers, family.plan).value),
        problem_set=PROBLEM_SET,
        split=split_of(numbers),
        family=family.name,
        phrasing=phrasing,
        tags=family.tags,
        held_out=is_held_out(family, phrasing),
    )


def family_of(problem: Problem) -> Family:
    """The family of a problem of this world. Raises `BadInput` for any other problem."""
    if problem.problem_set != PROBLEM_SET or problem.family not in FAMILIES:
        raise BadInput(f"problem {problem.id} is not of the testbed", "Generate problems with the testbed's generator")
    return FAMILIES[problem.family]


def numbers_of(problem: Problem) -> Numbers:
    """The numbers of a problem of this world, read back from its text. Raises `BadInput` for any other problem."""
    family = family_of(problem)
    if problem.phrasing is None or not 0 <= problem.phrasing < len(family.phrasings):
        raise BadInput(f"problem {problem.id} has no wording of {family.name}", "Generate the problems again")
    seen: set[str] = set()
    pattern = ""
    for part in re.split(r"(\{\w+\})", family.phrasings[problem.phrasing]):
        name = part.strip("{}")
        if not part.startswith("{"):
            pattern += re.escape(part)
        elif name in ("who", "thing"):
            pattern += r"\w+"
        else:
            pattern += f"(?P={name})" if name in seen else rf"(?P<{name}>\d+)"
            seen.add(name)
    match = re.fullmatch(pattern, problem.text)
    if match is None:
        raise BadInput(f"the text of problem {problem.id} is not of its family", "Generate the problems again")
    return {name: int(value) for name, value in match.groupdict().items()}


def generate_problems(count: int, split: str, seed: int, held_out: bool = False) -> list[Problem]:
    """`count` distinct problems of a split, family by family in turn, equal for equal arguments.

    With `held_out`, the families and wordings that the navigator never saw in training stand among them. Numbers
    return in another wording only when a family has used all of its own. Raises `BadInput` for an unknown split and
    for more problems than there are.
    """
    rng = random.Random(f"problems {split} {seed}")
    queues = [
        _shuffled(family, split, held_out, rng) for family in FAMILIES.values() if held_out or not family.held_out
    ]
    available = sum(len(queue) for queue in queues)
    if count > available:
        raise BadInput(f"the split {split} holds {available} problems, not {count}", f"Ask for {available} or fewer")
    problems: list[Problem] = []
    turn = 0
    while len(problems) < count:
        for family, numbers, phrasing in [queue[turn] for queue in queues if turn < len(queue)]:
            if len(problems) < count:
                problems.append(make_problem(family, numbers, phrasing, rng))
        turn += 1
    return problems


def _shuffled(family: Family, split: str, held_out: bool, rng: random.Random) -> list[tuple[Family, Numbers, int]]:
    """All (numbers, wording) of a family in a split: first every tuple once, then again in the next wording."""
    tuples = list(numbers_in(family.name, split))
    rng.shuffle(tuples)
    phrasings = len(family.phrasings) if held_out else len(trained_phrasings(family))
    first = [rng.randrange(phrasings) for _ in tuples]
    return [
        (family, numbers, (start + shift) % phrasings)
        for shift in range(phrasings)
        for numbers, start in zip(tuples, first, strict=True)
    ]


def similar_problems(problem: Problem, count: int, seed: int) -> list[Problem]:
    """`count` other problems of x's family and split, no numbers twice and never x's own, equal for equal arguments.

    A problem that the navigator may be trained on gets similar problems in trained wordings only. Raises `BadInput`
    for a problem of another problem set and when the split holds fewer.
    """
    own = numbers_of(problem)
    family = family_of(problem)
    others = [numbers for numbers in numbers_in(family.name, problem.split) if numbers != own]
    if count > len(others):
        raise BadInput(
            f"{family.name} has {len(others)} other problems in split {problem.split}, not {count}",
            f"Ask for {len(others)} or fewer",
        )
    rng = random.Random(f"similar {problem.id} {seed}")
    phrasings = range(len(family.phrasings)) if problem.held_out else trained_phrasings(family)
    return [make_problem(family, numbers, rng.choice(phrasings), rng) for numbers in rng.sample(others, count)]
