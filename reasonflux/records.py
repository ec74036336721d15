"""The records of every word in the table of `docs/design.md`.

Frozen and keyword-only. Arrow schemas (`arrow.py`) are derived from the fields below: a new column is one line here.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from reasonflux.readable import Readable


class Verdict(StrEnum):
    """What became of one rollout: six things, never one boolean."""

    CORRECT = "correct"
    WRONG = "wrong"
    UNPARSED = "unparsed"  # the text holds no answer
    TRUNCATED = "truncated"  # generation ended at the token limit, without an answer
    TIMEOUT = "timeout"  # the verifier was killed at its deadline
    ERROR = "error"  # the rollout could not be made or graded; says nothing about the model


class Status(StrEnum):
    """Every row is committed; this says whether its work was done."""

    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Message:
    """One chat message, as TRL and vLLM take it."""

    role: str
    content: str


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A statement with a gold answer, from a problem set."""

    id: str
    text: str
    gold: str
    problem_set: str
    split: str = ""
    family: str | None = None  # known in the testbed only; an oracle for similar problems
    phrasing: int | None = None  # index of the wording inside the family; testbed only
    tags: tuple[str, ...] = ()
    level: str | None = None  # difficulty as the source states it
    held_out: bool = False  # kept out of the navigator's training, by family or by phrasing


@dataclass(frozen=True, kw_only=True)
class SimilarProblems:
    """X_sim(x): problems that the same plan should solve; x itself comes first (arXiv 2502.06772, Eq. 3)."""

    id: str  # id of x
    provider: str
    purity: float | None  # share of X_sim in x's family; None where families are unknown
    problems: tuple[Problem, ...]


@dataclass(frozen=True, kw_only=True)
class TemplateOrigin:
    """Where a template comes from: a library file, or problems of a problem set and the model that read them."""

    source: str  # name of the library file or of the problem set
    digest: str = ""  # of that library
    problems: tuple[str, ...] = ()  # ids
    checkpoint: str = ""  # digest of the model that proposed it
    merged: tuple[str, ...] = ()  # ids of the near-doubles that it stands for


@dataclass(frozen=True, kw_only=True)
class ThoughtTemplate:
    """A named, reusable high-level strategy."""

    id: str  # digest of its content and place: double names stay apart
    name: str
    type: str  # normalised
    original_type: str
    tags: tuple[str, ...]
    description: str
    scenarios: tuple[str, ...]
    steps: tuple[str, ...]
    example: str
    chapter: str
    section: str
    origin: TemplateOrigin | None = None  # no part of the id


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a trajectory."""

    name: str  # resolved to the library where there is one, else as written
    written: str  # as the navigator wrote it
    template_id: str | None = None
    instruction: str = ""  # free text after the name, or the whole step of a free plan


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What one completion cost and where it came from."""

    prompt_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0  # prompt tokens served from the prefix cache
    latency_s: float = 0.0
    cumulative_logprob: float | None = None  # nats, over the output tokens
    checkpoint: str = ""  # digest of the model that answered
    attempts: int = 1  # calls made for this row, retries included


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a row could not be done."""

    stage: str
    error: str  # class of the error, or the completion's outcome
    message: str


@dataclass(frozen=True, kw_only=True)
class Draw:
    """Work item: one plan to be asked for. `id` is the id of the trajectory that will come of it."""

    id: str
    problem: Problem
    round: int
    index: int  # which of the problem's draws
    seed: int


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """The navigator's plan for one problem: ordered steps, each bound to a template or free."""

    id: str
    problem_id: str
    round: int
    index: int
    prompt: tuple[Message, ...]
    text: str  # as the navigator wrote it
    steps: tuple[Step, ...]
    plan: str  # canonical text of the steps: what pairs hold and what equal plans share
    in_library: int  # steps whose written name stands in the library before it is resolved
    status: str
    failure: Failure | None
    usage: Usage


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """Work item: one rollout to be made. `id` is the id of the rollout that will come of it."""

    id: str
    trajectory_id: str
    multiplicity: int  # draws that gave this very plan
    anchor_id: str  # x, the problem the plan was made for
    problem: Problem  # the similar problem to be solved, x itself among them
    steps: tuple[Step, ...]
    index: int  # which sample of this problem under this trajectory
    seed: int


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """One attempt of the reasoner at one problem under one trajectory; graded in a stage of its own."""

    id: str
    trajectory_id: str
    multiplicity: int
    anchor_id: str
    problem_id: str
    index: int
    gold: str
    prompt: tuple[Message, ...]
    text: str
    truncated: bool
    status: str
    failure: Failure | None
    usage: Usage


@dataclass(frozen=True, kw_only=True)
class GradedRollout:
    """A rollout's verdict; `id` is the rollout's."""

    id: str
    trajectory_id: str
    multiplicity: int
    anchor_id: str
    problem_id: str
    index: int
    verdict: str
    answer: str  # as read from the text, empty when there is none
    gold: str
    seconds: float  # spent grading
    failure: Failure | None


@dataclass(frozen=True, kw_only=True)
class TrajectoryReward:
    """Eq. 3: share of correct rollouts over X_sim, one row per distinct plan of a problem."""

    id: str  # id of the trajectory
    problem_id: str
    multiplicity: int
    reward: float | None  # None when no rollout of it could be graded
    n: int  # rollouts that count
    standard_error: float | None
    failed: int  # rollouts with verdict `error`, which do not count
    exhaustive: bool  # False when sequential evaluation left it early


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A preference pair in TRL's conversational format, and where both sides came from."""

    prompt: tuple[Message, ...]
    chosen: tuple[Message, ...]
    rejected: tuple[Message, ...]
    score_chosen: float
    score_rejected: float
    margin: float
    n_chosen: int  # rollouts behind score_chosen
    n_rejected: int
    standard_error_chosen: float | None
    standard_error_rejected: float | None
    multiplicity_chosen: int
    multiplicity_rejected: int
    id: str
    role: str  # the model that the pair trains: navigator or reasoner
    problem_id: str
    trajectory_id: str | None  # the plan that both sides followed (reasoner pairs)
    chosen_id: str
    rejected_id: str
    checkpoint: str  # digest of the model that wrote both sides
    reasoner: str  # digest of the model whose rollouts were rewarded
    library: str  # digest of the template library
    prompts: str  # digest of the prompt set
    round: int


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request of a method and its completion."""

    role: str  # navigator or reasoner
    purpose: str  # name of the prompt: navigator, step, evaluate, …
    prompt: tuple[Message, ...]
    text: str
    outcome: str  # how the completion ended
    message: str  # what the engine said where there is no text
    usage: Usage
    seed: int | None = None  # of the request


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What the navigator made of an instantiated step (arXiv 2502.06772, Eq. 7)."""

    round: int  # counted from 1
    done: int  # steps that were carried out before it
    action: str  # continue, refine, retrieve
    reason: str  # δ, as the navigator wrote it
    plan: str  # canonical text of the whole trajectory from here on


@dataclass(frozen=True, kw_only=True)
class Solution(Readable):
    """What a method made of one problem. Every method returns this; none of them sees the gold answer."""

    id: str
    problem_id: str
    method: str
    answer: str | None  # as read from the last text that holds one
    steps: tuple[Step, ...]  # the trajectory that was carried out in the end; empty for methods without plans
    exchanges: tuple[Exchange, ...]  # in the order of their requests
    decisions: tuple[Decision, ...]
    retrieved: tuple[str, ...]  # ids of the templates that were retrieved, first use first
    seconds: float  # wall time
    failure: Failure | None = None
    verdict: str = ""  # empty until it is graded

    @property
    def rounds(self) -> int:
        """Rounds of interplay between navigator and reasoner."""
        return len(self.decisions)

    def tokens(self, role: str | None = None) -> tuple[int, int]:
        """Prompt tokens and output tokens of one role, or of all."""
        usages = [exchange.usage for exchange in self.exchanges if role in (None, exchange.role)]
        return sum(usage.prompt_tokens for usage in usages), sum(usage.output_tokens for usage in usages)


Record = TypeVar("Record")
