"""A `Generate` that answers from a script, for tests of algorithms: no engine, no process, no wait."""

from collections.abc import Callable, Mapping, Sequence

from reasonflux.protocols import Completion, Outcome, Request
from reasonflux.records import Usage

Script = Mapping[str, str] | Callable[[Request], str]


class ScriptedGenerate:
    """Answers by script and remembers what it was asked.

    `script`: a function of the request, or texts by a part of the prompt; the first part that the prompt holds counts.
    `outcomes`: outcome by request id, for requests that are not to be answered in full; those without text have none.
    """

    def __init__(self, script: Script, outcomes: Mapping[str, Outcome] | None = None, checkpoint: str = "") -> None:
        self.script = script
        self.outcomes = dict(outcomes or {})
        self.checkpoint = checkpoint
        self.calls: list[list[Request]] = []

    @property
    def requests(self) -> list[Request]:
        """Every request of every call, in order."""
        return [request for call in self.calls for request in call]

    async def __call__(self, requests: Sequence[Request]) -> list[Completion]:
        self.calls.append(list(requests))
        return [self._complete(request) for request in requests]

    def _complete(self, request: Request) -> Completion:
        outcome = self.outcomes.get(request.id, Outcome.STOPPED)
        answered = outcome in (Outcome.STOPPED, Outcome.TRUNCATED)
        text = self._text(request) if answered else ""
        words = sum(len(message.content.split()) for message in request.messages)
        return Completion(
            id=request.id,
            text=text,
            outcome=outcome,
            usage=Usage(prompt_tokens=words, output_tokens=len(text.split()), checkpoint=self.checkpoint),
            message="" if answered else f"scripted {outcome}",
        )

    def _text(self, request: Request) -> str:
        if callable(self.script):
            return self.script(request)
        prompt = "\n".join(message.content for message in request.messages)
        for part, text in self.script.items():
            if part in prompt:
                return text
        raise AssertionError(f"the script has no answer for the prompt {prompt!r}")
