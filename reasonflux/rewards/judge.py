"""An LLM's opinion of an answer, beside the grader's verdict and never in its place.

The judge is told problem, gold answer and the answer given, not the solution. It must be another model than those that
are judged (`check_judge`, by digest). An opinion that cannot be read is `unreadable`, and counts for nothing.
"""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from reasonflux.errors import BadInput
from reasonflux.identity import digest, seed_of
from reasonflux.protocols import Generate, Request, Sampling
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Verdict

PROMPTS = Path(__file__).parent / "prompts"
PROMPT = "judge"
UNREADABLE = "unreadable"
SAMPLING = Sampling(temperature=0, max_tokens=8)
SHOWN = 2_000  # characters of an answer that the judge is shown
_OPINION = re.compile(r"\W*(same|different)\b", re.IGNORECASE)
_VERDICTS = {"same": Verdict.CORRECT.value, "different": Verdict.WRONG.value}


def judge_prompts() -> PromptSet:
    """The judge's prompt."""
    return PromptSet.load(PROMPTS).only(PROMPT)


def check_judge(judge: str, judged: Collection[str]) -> None:
    """Raises `BadInput` where the judge, by its checkpoint's digest, is one of the models that it would judge."""
    if judge in judged:
        raise BadInput("the judge is one of the models that it would judge", "Name another model as judge")


async def judge(
    items: Sequence[tuple[str, str, str]], generate: Generate, prompts: PromptSet, checkpoint: str
) -> list[str]:
    """For each (problem, gold answer, answer) `correct`, `wrong` or `unreadable`, in order; never raises for one."""
    requests = []
    for question, gold, answer in items:
        key = digest("judge", checkpoint, prompts.digest, question, gold, answer)
        messages = prompts.render(PROMPT, question=question, gold=gold, answer=answer[:SHOWN])
        requests.append(
            Request(id=key, messages=messages, sampling=SAMPLING, seed=seed_of(key), checkpoint=checkpoint or None)
        )
    distinct = list({request.id: request for request in requests}.values())
    completions = await generate(distinct) if distinct else []
    opinions = {
        request.id: _opinion(completion.text) if completion.answered else UNREADABLE
        for request, completion in zip(distinct, completions, strict=True)
    }
    return [opinions[request.id] for request in requests]


def _opinion(text: str) -> str:
    match = _OPINION.match(text)
    return _VERDICTS[match[1].lower()] if match else UNREADABLE
