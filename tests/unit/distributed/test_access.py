"""What stands before an application: keys, sizes and numbers of requests, refused in the shape that clients read."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import openai
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from reasonflux.distributed import access
from reasonflux.distributed.access import KEYS, AccessControl, Refusal, api_keys
from reasonflux.errors import BadInput
from reasonflux.serving import HttpLimits

KEY, OTHER = "key-of-one-client", "key-of-another"


class Served:
    """An application that echoes once `go` is set, behind keys and limits, and a client of it."""

    def __init__(self, keys: Collection[str] = (), refusal: Refusal | None = None, **limits: Any) -> None:
        self.go = asyncio.Event()
        self.go.set()
        self.inside = 0
        self.refusal = refusal
        routes = [Route("/v1/echo", self.echo, methods=["GET", "POST"]), Route("/health", self.echo)]
        app = AccessControl(Starlette(routes=routes), HttpLimits(**limits), keys, self.admit)
        transport = httpx2.ASGITransport(app=app, root_path="/navigator")
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://here/navigator")

    @asynccontextmanager
    async def admit(self) -> AsyncIterator[dict[str, str]]:
        if self.refusal:
            raise self.refusal
        self.inside += 1
        yield {"x-told": "yes"}
        self.inside -= 1

    async def echo(self, request: Request) -> Response:
        body = await request.body()
        await self.go.wait()
        return PlainTextResponse(body)

    async def ask(self, key: str = "", **given: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return await self.client.post("/v1/echo", headers=headers, **{"content": b"said", **given})


async def test_a_key_of_the_list_opens_and_nothing_else_does() -> None:
    served = Served([KEY, OTHER])
    for key in (KEY, OTHER):
        assert (await served.ask(key)).text == "said"
    for wrong in ("", "wrong", KEY[:-1], KEY + "x", f"{KEY},{OTHER}"):
        answer = await served.ask(wrong)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
        assert KEY not in answer.text
    basic = await served.client.post("/v1/echo", headers={"authorization": f"Basic {KEY}"})
    assert basic.status_code == 401
    for path in ("/v1/echo", "/v1/models", "/", "/v1"):
        assert (await served.client.get(path)).status_code == 401, path


async def test_health_is_open_and_without_keys_everything_is() -> None:
    assert (await Served([KEY]).client.get("/health")).status_code == 200
    assert (await Served().ask()).text == "said"
    assert (await Served().ask("whatever")).text == "said"


async def test_what_is_held_while_a_request_runs_adds_its_headers() -> None:
    served = Served()
    served.go.clear()
    asked = asyncio.create_task(served.ask())
    await until(lambda: served.inside == 1)
    served.go.set()
    assert (await asked).headers["x-told"] == "yes"
    assert served.inside == 0


async def test_one_request_too_many_is_told_when_to_come_again() -> None:
    served = Served(concurrent=2, retry_after_s=7)
    served.go.clear()
    held = [asyncio.create_task(served.ask()) for _ in range(2)]
    await until(lambda: served.inside == 2)
    refused = await served.ask()
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "7")
    assert refused.json()["error"]["type"] == "rate_limit_error"
    served.go.set()
    assert [answer.status_code for answer in await asyncio.gather(*held)] == [200, 200]
    assert (await served.ask()).status_code == 200, "a place that was left is free"


async def test_a_body_that_is_too_large_is_refused_before_it_is_read_to_its_end() -> None:
    served = Served(body_bytes=100)
    sent: list[int] = []

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            sent.append(1)
            yield b"x" * 60

    assert (await served.ask(content=b"x" * 100)).status_code == 200
    for content in (b"x" * 101, endless()):
        answer = await served.ask(content=content)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")
    assert len(sent) < 10
    assert served.inside == 0


async def test_a_body_that_does_not_come_ends_with_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "BODY_DEADLINE_S", 0.05)

    async def stuck() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.sleep(30)

    assert (await Served().ask(content=stuck())).status_code == 408


async def test_what_cannot_answer_now_says_so_and_openais_client_reads_it() -> None:
    served = Served(refusal=Refusal(503, "unavailable", "the swap failed", retry_after_s=3))
    client = openai.AsyncOpenAI(base_url="http://here/v1", api_key="k", max_retries=0, http_client=served.client)
    with pytest.raises(openai.InternalServerError, match="the swap failed") as raised:
        await client.post("/v1/echo", cast_to=object)
    assert raised.value.response.headers["retry-after"] == "3"
    assert raised.value.code == "unavailable"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "head.example"])
def test_where_others_reach_it_a_key_is_needed(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEYS, raising=False)
    with pytest.raises(BadInput, match=f'{host}.*export {KEYS}="'):
        api_keys(host)
    monkeypatch.setenv(KEYS, " , ")
    with pytest.raises(BadInput):
        api_keys(host)
    monkeypatch.setenv(KEYS, f"{KEY}, {OTHER}")
    assert api_keys(host) == (KEY, OTHER)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", None])
def test_this_machine_alone_needs_none(host: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEYS, raising=False)
    assert api_keys(host) == ()


async def until(holds: Any) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
