"""A real HTTP server that behaves, refuses, fails, babbles or never answers: each is a completion within its time."""

import asyncio
import json
import pickle
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from reasonflux.endpoint import Endpoint
from reasonflux.errors import BadInput
from reasonflux.protocols import Completion, Outcome, Request, Sampling
from reasonflux.reasoning.methods.direct import Direct
from reasonflux.records import Message
from tests.unit.reasoning.builders import problem
from tests.unit.reasoning.methods.doubles import tools

GOOD = {
    "choices": [{"message": {"content": r"It is \boxed{5}"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}},
}
TOO_LONG = {"error": {"message": "This model's maximum context length is 8 tokens", "code": 400}}


class Server(ThreadingHTTPServer):
    """Answers by the model's name; `asked` holds the bodies, with their key."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[dict[str, Any]] = []
        self.models = ["good"]
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body | {"key": self.headers["Authorization"]})
        model = body["model"]
        if model == "never":
            self.server.over.wait(30)
            return
        if model == "flaky":
            self.reply(500 if len(self.server.asked) < 3 else 200, GOOD)
        elif model.isdigit():
            self.reply(int(model), {"error": {"message": f"status {model}"}})
        elif model == "long":
            self.reply(400, TOO_LONG)
        elif model == "telltale":
            self.reply(401, {"error": {"message": f"no such key: {self.headers['Authorization']}"}})
        else:
            self.reply(200, ANSWERS[model])

    def do_GET(self) -> None:
        self.reply(200, {"object": "list", "data": [{"id": one, "object": "model"} for one in self.server.models]})

    def reply(self, status: int, content: Any) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("retry-after-ms", "1")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *values: object) -> None: ...


ANSWERS: dict[str, Any] = {
    "good": GOOD,
    "cut": {"choices": [{"message": {"content": "It"}, "finish_reason": "length"}]},
    "thinking": {
        "choices": [{"message": {"content": "so 5", "reasoning_content": "hm"}, "finish_reason": "stop"}],
        "usage": None,
    },
    "html": b"<html>Bad gateway</html>",
    "list": [1, 2],
    "empty": {},
    "no choice": {"choices": []},
    "no message": {"choices": [{"finish_reason": "stop"}]},
    "no text": {"choices": [{"message": {"content": {"a": 1}}, "finish_reason": "stop"}]},
    "no end": {"choices": [{"message": {"content": "x"}, "finish_reason": "content_filter"}]},
    "logprobs": {
        "choices": [
            {
                "message": {"content": "ab"},
                "finish_reason": "stop",
                "logprobs": {
                    "content": [
                        {"token": "a", "logprob": -0.5, "top_logprobs": [{"token": "x", "logprob": -1.5}]},
                        {"token": "b", "logprob": -0.25, "top_logprobs": []},
                    ]
                },
            }
        ]
    },
}


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()


async def ask(server: Server, model: str, deadline_s: float = 20, retries: int = 0, **settings: Any) -> Completion:
    endpoint = Endpoint(model, server.url, retries=retries, deadline_s=deadline_s)
    request = Request(id="r", messages=(Message(role="user", content="2 + 3?"),), sampling=Sampling(**settings), seed=9)
    (completion,) = await endpoint([request])
    return completion


async def test_v11_an_answer_is_a_completion_with_its_counts(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "the key")
    done = await ask(server, "good", temperature=0.7, top_k=20, presence_penalty=1.5, max_tokens=9, stop=("X",))
    assert (done.text, done.outcome) == (r"It is \boxed{5}", Outcome.STOPPED)
    assert (done.usage.prompt_tokens, done.usage.output_tokens, done.usage.cached_tokens) == (7, 3, 2)
    assert done.usage.checkpoint == f"{server.url}#good"
    asked = server.asked[0]
    assert asked["key"] == "Bearer the key"
    assert asked["messages"] == [{"role": "user", "content": "2 + 3?"}]
    sent = {name: asked[name] for name in ("temperature", "top_k", "presence_penalty", "max_tokens", "stop", "seed")}
    expected = {"temperature": 0.7, "top_k": 20, "presence_penalty": 1.5, "max_tokens": 9, "stop": ["X"], "seed": 9}
    assert sent == expected


async def test_cut_off_thinking_and_logprobs_are_read(server: Server) -> None:
    assert (await ask(server, "cut")).outcome is Outcome.TRUNCATED
    assert (await ask(server, "thinking")).text == "<think>hm</think>so 5"
    weighed = await ask(server, "logprobs", logprobs=1)
    assert weighed.usage.cumulative_logprob == -0.75
    assert weighed.logprobs == ({"a": -0.5, "x": -1.5}, {"b": -0.25})


@pytest.mark.parametrize(
    ("model", "outcome", "reason"),
    [
        ("429", Outcome.ENGINE_ERROR, "429 from http.*status 429"),
        ("500", Outcome.ENGINE_ERROR, "500 from http"),
        ("503", Outcome.ENGINE_ERROR, "503 from http"),
        ("400", Outcome.BAD_REQUEST, "status 400"),
        ("401", Outcome.BAD_REQUEST, "401 from http"),
        ("404", Outcome.BAD_REQUEST, "404 from http"),
        ("long", Outcome.PROMPT_TOO_LONG, "maximum context length is 8"),
        ("html", Outcome.ENGINE_ERROR, "JSON"),
        *((name, Outcome.ENGINE_ERROR, "Nonsense from http") for name in ANSWERS if name.startswith(("no ", "empty"))),
        ("list", Outcome.ENGINE_ERROR, "Nonsense from http"),
    ],
)
async def test_v12_whatever_an_endpoint_answers_is_a_completion_with_its_reason(
    server: Server, model: str, outcome: Outcome, reason: str
) -> None:
    done = await ask(server, model)
    assert (done.outcome, done.text) == (outcome, "")
    assert re.search(reason, done.message), done.message


async def test_an_endpoint_that_repeats_the_key_does_not_have_it_written(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-of-a-key")
    done = await ask(server, "telltale")
    assert done.outcome is Outcome.BAD_REQUEST and "no such key: Bearer …" in done.message
    assert "canary" not in repr(done)


async def test_v12_what_is_worth_it_is_tried_again(server: Server) -> None:
    done = await ask(server, "flaky", retries=2)
    assert (done.outcome, done.usage.attempts, len(server.asked)) == (Outcome.STOPPED, 3, 3)
    await ask(server, "400", retries=2)
    assert len(server.asked) == 4


async def test_an_endpoint_that_never_answers_is_given_up_at_the_deadline(server: Server) -> None:
    started = time.monotonic()
    done = await ask(server, "never", deadline_s=0.3)
    assert time.monotonic() - started < 5
    assert done.outcome is Outcome.ENGINE_ERROR
    assert "within 0.3 s" in done.message


async def test_an_endpoint_that_is_not_there_is_a_completion_too() -> None:
    request = Request(id="r", messages=(Message(role="user", content="x"),), sampling=Sampling())
    (done,) = await Endpoint("m", "http://127.0.0.1:9/v1", retries=0)([request])
    assert done.outcome is Outcome.ENGINE_ERROR
    assert "Connection" in done.message


async def test_another_checkpoint_is_refused_and_a_started_answer_is_continued(server: Server) -> None:
    endpoint = Endpoint("good", server.url)
    ends = (Message(role="user", content="x"), Message(role="assistant", content="So"))
    requests = [
        Request(id="a", messages=ends, sampling=Sampling(choice=("x", "y"))),
        Request(id="b", messages=ends[:1], sampling=Sampling(), checkpoint="other"),
    ]
    continued, refused = await endpoint(requests)
    assert (continued.outcome, refused.outcome) == (Outcome.STOPPED, Outcome.WRONG_CHECKPOINT)
    (asked,) = server.asked
    assert (asked["continue_final_message"], asked["add_generation_prompt"]) == (True, False)
    assert asked["structured_outputs"] == {"choice": ["x", "y"]}


def test_one_endpoint_serves_one_loop_after_another_and_travels(server: Server) -> None:
    endpoint = pickle.loads(pickle.dumps(Endpoint("good", server.url)))
    request = Request(id="r", messages=(Message(role="user", content="x"),), sampling=Sampling())
    for _ in range(2):
        assert asyncio.run(endpoint([request]))[0].outcome is Outcome.STOPPED


async def test_a_method_runs_on_an_endpoint_and_fails_with_its_reason(server: Server) -> None:
    answered = await Direct()(problem("p"), tools(Endpoint("good", server.url)))
    assert answered.answer == "5"
    failed = await Direct()(problem("p"), tools(Endpoint("long", server.url)))
    assert failed.failure is not None
    assert failed.failure.error == "prompt_too_long"


def test_without_a_base_url_there_is_no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(BadInput, match="has no base URL"):
        Endpoint("m")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://host/v1")
    assert Endpoint("m").checkpoint == "http://host/v1#m"
