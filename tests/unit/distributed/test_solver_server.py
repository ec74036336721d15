"""A method behind OpenAI's chat completions, by OpenAI's own client: whole, streamed, refused."""

import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx2
import openai
import pytest

from reasonflux.distributed.access import Refusal
from reasonflux.distributed.chat_answers import Chat, answer_text
from reasonflux.distributed.solver_server import solver_app
from reasonflux.protocols import Outcome
from reasonflux.reasoning.methods.guided import Guided
from reasonflux.reasoning.methods.interplay import Interplay
from reasonflux.records import Problem, Solution
from tests.scripted import ScriptedGenerate
from tests.unit.reasoning.methods.doubles import tools

SCRIPT = {
    "Plan how": "1. Add\n2. Double",
    "Judge": "continue",
    "Apply the": r"It is \boxed{7}",
}
QUESTION: Any = [{"role": "user", "content": "What is 3 + 4?"}]


def client_of(generate: ScriptedGenerate, method: Any = Interplay(rounds=1)) -> Any:  # noqa: B008
    async def solve(problem: Problem, observe: Any) -> Solution:
        return await method(problem, tools(generate, observe=observe))

    return client_over(solve)


def client_over(solve: Callable[..., Awaitable[Solution]]) -> Any:
    async def ready() -> bool:
        return True

    transport = httpx2.ASGITransport(app=solver_app("reasonflux", solve, ready))
    return openai.AsyncOpenAI(
        base_url="http://here/v1", api_key="k", max_retries=0, http_client=httpx2.AsyncClient(transport=transport)
    )


async def test_the_answer_is_the_content_and_how_it_was_found_the_reasoning() -> None:
    generate = ScriptedGenerate(SCRIPT, checkpoint="c0ffee")
    done = await client_of(generate).chat.completions.create(model="reasonflux", messages=QUESTION, temperature=0.3)
    (choice,) = done.choices
    assert choice.message.content == r"It is \boxed{7}"
    assert choice.finish_reason == "stop"
    extra = choice.message.model_extra or {}
    assert "navigator · navigator" in extra["reasoning"] and "1. Add" in extra["reasoning"]
    assert "round 1" in extra["reasoning"]
    assert extra["reasoning_content"] == extra["reasoning"]
    assert done.usage is not None
    said = [SCRIPT[purpose] for purpose in ("Plan how", "Apply the", "Judge", "Apply the")]
    assert done.usage.completion_tokens == sum(len(text.split()) for text in said)
    facts = (done.model_extra or {})["reasonflux"]
    assert facts["answer"] == "7" and facts["steps"] == ["Add", "Double"] and facts["rounds"] == 1
    assert facts["checkpoints"] == {"navigator": ["c0ffee"], "reasoner": ["c0ffee"]}
    assert done.system_fingerprint == "c0ffee+c0ffee"


async def test_a_checkpoint_that_changed_on_the_way_is_told() -> None:
    class Promoted(ScriptedGenerate):
        async def __call__(self, requests: Any) -> Any:
            completions = await super().__call__(requests)
            self.checkpoint = "new"
            return completions

    done = await client_of(Promoted(SCRIPT, checkpoint="old")).chat.completions.create(
        model="reasonflux", messages=QUESTION
    )
    facts = (done.model_extra or {})["reasonflux"]
    assert facts["checkpoints"] == {"navigator": ["old", "new"], "reasoner": ["new"]}
    assert done.system_fingerprint == "old+new+new"


async def test_a_stream_tells_each_thought_as_it_comes_and_adds_up_to_the_whole() -> None:
    client = client_of(ScriptedGenerate(SCRIPT))
    whole = await client.chat.completions.create(model="reasonflux", messages=QUESTION)
    stream = await client.chat.completions.create(
        model="reasonflux",
        messages=QUESTION,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    thoughts = [delta.model_extra["reasoning"] for delta in deltas if "reasoning" in (delta.model_extra or {})]
    assert len(thoughts) > 3, "not all at the end"
    assert "".join(thoughts) == whole.choices[0].message.model_extra["reasoning"]
    assert "".join(delta.content or "" for delta in deltas) == whole.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage == whole.usage
    assert len({chunk.id for chunk in chunks}) == 1


async def test_progress_told_from_another_thread_arrives_in_order() -> None:
    method = Guided()

    async def solve(problem: Problem, observe: Any) -> Solution:
        def elsewhere(what: Any) -> None:
            thread = threading.Thread(target=observe, args=(what,))
            thread.start()
            thread.join()

        return await method(problem, tools(SCRIPT, observe=elsewhere))

    stream = await client_over(solve).chat.completions.create(model="", messages=QUESTION, stream=True)
    deltas = [chunk.choices[0].delta async for chunk in stream]
    thoughts = [(delta.model_extra or {}).get("reasoning", "") for delta in deltas]
    assert [thought.split(" · ")[1].split()[0] for thought in thoughts if thought] == ["navigator", "reasoner"]


async def test_an_engine_that_is_away_is_an_error_that_clients_retry() -> None:
    class Away(ScriptedGenerate):
        async def __call__(self, requests: Any) -> Any:
            self.outcomes = {request.id: Outcome.ENGINE_ERROR for request in requests}
            return await super().__call__(requests)

    client = client_of(Away(SCRIPT))
    with pytest.raises(openai.InternalServerError, match="scripted engine_error") as raised:
        await client.chat.completions.create(model="reasonflux", messages=QUESTION)
    assert raised.value.response.headers["retry-after"]
    stream = await client.chat.completions.create(model="reasonflux", messages=QUESTION, stream=True)
    with pytest.raises(openai.APIError, match="scripted engine_error"):
        [chunk async for chunk in stream]


async def test_a_plan_that_cannot_be_read_is_an_answer_without_content() -> None:
    client = client_of(ScriptedGenerate(SCRIPT | {"Plan how": "no idea"}))
    done = await client.chat.completions.create(model="reasonflux", messages=QUESTION)
    assert done.choices[0].message.content == ""
    assert "unreadable_plan" in (done.model_extra or {})["reasonflux"]["failure"]


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({"messages": []}, 400, "One problem"),
        ({"messages": [*QUESTION, {"role": "assistant", "content": "7"}, *QUESTION]}, 400, "One problem"),
        ({"messages": [{"role": "user", "content": " "}]}, 400, "One problem"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400, "text, not image_url"),
        ({"messages": QUESTION, "n": 2}, 400, "n is 1"),
        ({"messages": QUESTION, "model": "gpt"}, 404, "The model here is reasonflux"),
        ({"messages": "hello"}, 400, "messages"),
    ],
)
async def test_what_is_no_single_problem_is_refused_in_words(given: dict[str, Any], status: int, words: str) -> None:
    client = client_of(ScriptedGenerate(SCRIPT))
    with pytest.raises(openai.APIStatusError, match=words) as raised:
        await client.chat.completions.create(**{"model": "reasonflux", **given})
    assert raised.value.status_code == status


def test_a_system_message_is_passed_over_and_another_seed_is_another_problem() -> None:
    def problem(**given: Any) -> Problem:
        return Chat.model_validate({"messages": QUESTION} | given).problem

    asked = problem(messages=[{"role": "system", "content": "Be kind."}, *QUESTION])
    assert asked == problem() and asked.text == "What is 3 + 4?"
    parts = [{"role": "user", "content": [{"type": "text", "text": "What is 3 + 4?"}]}]
    assert problem(messages=parts) == asked
    assert problem(seed=1).id != asked.id


def test_a_body_that_is_no_json_is_refused() -> None:
    with pytest.raises(Refusal, match="body"):
        Chat.read(b"{", "reasonflux")


async def test_the_text_that_gives_the_answer_is_said_not_just_the_last() -> None:
    solution = await Guided()(Problem(id="p", text="t", gold="", problem_set=""), tools(SCRIPT))
    first, last = solution.exchanges
    mended = replace(solution, exchanges=(first, last, replace(last, text=r"On second thought, \boxed{8}")))
    assert answer_text(mended) == r"It is \boxed{7}"
    assert answer_text(replace(solution, exchanges=(first,))) == r"\boxed{7}"
    assert answer_text(replace(solution, exchanges=(first, replace(last, text="Hm.")), answer=None)) == "Hm."
