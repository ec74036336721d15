r"""Monte Carlo tree search over reasoning steps, with neither plan nor gold: arXiv 2502.06772, the baseline of Fig. 5.

A node is the start of a solution in the reasoner's own words, its steps are paragraphs or, where there are none, lines.
Each simulation goes down by UCT, lets the reasoner finish the solution from the node that it reaches (the conversation
ends with the assistant's words so far), and grows that node by the first step that it gave. The value of a rollout is
self-consistency: the share of all rollouts that gave its answer. UCT of a child with n of its parent's N simulations:

    mean value + exploration · sqrt(ln N / n)
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar

from reasonflux.reasoning.answers import extract_answer
from reasonflux.reasoning.methods.session import Session, Unanswered, solve
from reasonflux.reasoning.methods.settings import require
from reasonflux.reasoning.methods.tools import Requests, Tools
from reasonflux.reasoning.methods.voting import sameness, vote
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Failure, Message, Problem, Solution

PARAGRAPHS = re.compile(r"(?<=\n\n)(?=\S)")
LINES = re.compile(r"(?<=\n)(?=\S)")


@dataclass(frozen=True, kw_only=True)
class Mcts:
    """`rollouts` simulations, `width` at a time; the answer is the one that most of them gave."""

    rollouts: int = 16
    width: int = 4
    children: int = 3  # simulations that grow a node before the search goes on below it
    exploration: float = 1.0
    tokens: int | None = None  # in and out; no simulation begins once they are spent

    name: ClassVar[str] = "mcts"
    prompts: ClassVar[tuple[str, ...]] = ("direct",)

    def __post_init__(self) -> None:
        require(self, rollouts=1, width=1, children=1, exploration=0, tokens=1)

    def requests(self, prompts: PromptSet) -> Requests:
        """One a rollout; each is shown the start of one answer at most."""
        return Requests(reasoner=1, conversations=self.rollouts)

    async def __call__(self, problem: Problem, tools: Tools) -> Solution:
        """One solution; it fails when no rollout was answered."""
        return await solve(self, problem, tools, self._work)

    async def _work(self, session: Session) -> None:
        root, answers = _Node(), _Answers()
        question = session.tools.prompts.render("direct", problem=session.problem)
        while not session.exchanges or self._goes_on(session):
            width = min(self.width, self.rollouts - len(session.exchanges))
            paths = [self._select(root, answers) for _ in range(width)]
            prompts = [_continued(question, path[-1].text) for path in paths]
            completions = await session.ask_all("reasoner", "direct", prompts)
            for path, completion in zip(paths, completions, strict=True):
                if completion.answered:
                    number = answers.add(extract_answer(path[-1].text + completion.text))
                    self._grow(path, completion.text, number)
        if not answers.given:
            last = session.exchanges[-1]
            raise Unanswered(Failure(stage="direct", error=last.outcome, message=last.message))
        votes = await vote(answers.given, session.tools.grade)
        session.answer = answers.given[votes.index(max(votes))]

    def _goes_on(self, session: Session) -> bool:
        spent = self.tokens is not None and session.spent >= self.tokens
        return len(session.exchanges) < self.rollouts and not spent

    def _select(self, root: "_Node", answers: "_Answers") -> list["_Node"]:
        """The path from the root to the node that the next simulation starts from; it counts as visited at once."""
        path = [root]
        while path[-1].started >= self.children and (open_ones := path[-1].open_children()):
            parent = path[-1]
            path.append(max(open_ones, key=lambda child: self._uct(child, parent, answers)))
        for node in path:
            node.visits += 1
        path[-1].started += 1
        return path

    def _uct(self, child: "_Node", parent: "_Node", answers: "_Answers") -> float:
        """Simulations under way, and those that were not answered, count as worth nothing."""
        value = sum(answers.share(number) for number in child.rollouts)
        return (value + self.exploration * math.sqrt(child.visits * math.log(max(parent.visits, 1)))) / child.visits

    def _grow(self, path: Sequence["_Node"], written: str, number: int) -> None:
        steps = _steps(written)
        child = path[-1].child(steps[0], whole=len(steps) == 1)
        child.visits += 1
        for node in (*path, child):
            node.rollouts.append(number)


@dataclass
class _Node:
    """The start of a solution."""

    text: str = ""
    whole: bool = False  # nothing can follow
    visits: int = 0  # simulations through this node, those under way among them
    started: int = 0  # simulations that began here
    rollouts: list[int] = field(default_factory=list)  # numbers of the answers that came of them
    children: dict[str, "_Node"] = field(default_factory=dict)

    def open_children(self) -> list["_Node"]:
        return [child for child in self.children.values() if not child.whole]

    def child(self, step: str, whole: bool) -> "_Node":
        node = self.children.setdefault(step, _Node(text=self.text + step))
        node.whole = node.whole or whole
        return node


@dataclass
class _Answers:
    """The answers of all rollouts, and how many gave each."""

    given: list[str | None] = field(default_factory=list)
    counts: dict[Fraction | str, int] = field(default_factory=dict)

    def add(self, answer: str | None) -> int:
        self.given.append(answer)
        if answer is not None:
            same = sameness(answer)
            self.counts[same] = self.counts.get(same, 0) + 1
        return len(self.given) - 1

    def share(self, number: int) -> float:
        """Share of all rollouts that gave this one's answer; 0 for a rollout without an answer."""
        answer = self.given[number]
        return 0.0 if answer is None else self.counts[sameness(answer)] / len(self.given)


def _continued(question: tuple[Message, ...], start: str) -> tuple[Message, ...]:
    return (*question, Message(role="assistant", content=start)) if start else question


def _steps(text: str) -> list[str]:
    """A text cut into its steps; joined they are the text again."""
    pieces = PARAGRAPHS.split(text)
    return pieces if len(pieces) > 1 else LINES.split(text)
