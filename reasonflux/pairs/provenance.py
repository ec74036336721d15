"""Which models, library and prompts the two sides of a pair come from."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """The model that a pair trains; also the name of its part of the data set."""

    NAVIGATOR = "navigator"
    REASONER = "reasoner"


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What all rows of one run share; every pair repeats it."""

    navigator: str  # digest of the checkpoint that planned
    reasoner: str  # digest of the checkpoint whose rollouts were rewarded
    library: str  # digest of the template library
    prompts: str  # digest of the prompt set
    round: int
