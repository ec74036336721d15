"""V11: the endpoints of `jobs/deploy.py`, as strangers' clients use them, under load and while they are deployed again.

One deployment of cluster/serve/testbed.yaml for all of them, behind keys, on a Ray of its own.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import psutil
import pytest
import yaml

from reasonflux.distributed.access import KEYS
from reasonflux.distributed.local_head import local_head
from tests.clients.programs import Program, inspect_ai, lm_eval
from tests.integration.conftest import command_line
from tests.served import KEY, PLAN, PROBLEMS, ROOT, Served, digest, load_on, question, serve_file
from tests.written import leaks, written

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # two engines start in each of several tests

LIMITS = {"concurrent": 12, "completions": 8, "body_bytes": 20_000, "output_tokens": 150, "retry_after_s": 1}
SCALING = {"max_replicas": 2, "target_sequences": 4, "upscale_delay_s": 1, "downscale_delay_s": 2}
CHANGES = {"reasoner": {"http": LIMITS}, "reasonflux": {"autoscaling": {"min_replicas": 0, **SCALING}}}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`jobs/deploy.py` on a head whose environment holds the key; the solver begins with no replica."""
    given = serve_file()
    for application in given["applications"]:
        application["args"] |= CHANGES.get(application["name"], {})
    before = dict(os.environ)
    os.environ |= {KEYS: f"{KEY},{KEY}-of-another", "PYTHONPATH": str(ROOT)}
    try:
        with local_head() as head:
            served = Served(head, tmp_path_factory.mktemp("served"), given)
            told = served.deploy(served.path())
            assert f"navigator: {served.url('navigator')}/v1" in told
            yield served
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_without_a_cluster_it_serves_until_it_is_told_to_end_and_leaves_no_process(tmp_path: Path) -> None:
    """Comes first: the other deployment's engines do not run yet."""
    given = serve_file(only="navigator")
    (tmp_path / "serve.yaml").write_text(yaml.safe_dump(given))
    command = [sys.executable, "jobs/deploy.py", "--config", str(tmp_path / "serve.yaml"), "--json"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "RAY_TMPDIR": tempfile.mkdtemp(prefix="rf-"), KEYS: KEY}
    with (tmp_path / "err").open("w") as errors:
        job = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        assert job.stdout is not None
        told = json.loads(job.stdout.readline())  # ends with the job, whose own deadline is `start_deadline_s`
        url = told["urls"]["navigator"]
        assert httpx.get(f"{url.removesuffix('/v1')}/health", timeout=30).status_code == 200
        client = openai.OpenAI(base_url=url, api_key=KEY, max_retries=0, timeout=60)
        asked = {"model": "navigator", "messages": question(PLAN + PROBLEMS[0].text), "temperature": 0}
        assert client.chat.completions.create(**asked).choices[0].message.content.startswith("1. ")
        family = psutil.Process(job.pid).children(recursive=True)
        assert any("ServeReplica" in command_line(process) for process in family)
        job.terminate()
        assert job.wait(60) == 0, (tmp_path / "err").read_text()[-3000:]
        assert job.stdout.read() == ""
        assert psutil.wait_procs(family, timeout=60)[1] == []
    finally:
        job.kill()
        shutil.rmtree(environment["RAY_TMPDIR"], ignore_errors=True)


def test_v11_openais_client_plans_streams_samples_and_counts(served: Served) -> None:
    client = served.client("navigator")
    assert [model.id for model in client.models.list()] == ["navigator"]
    asked: dict[str, Any] = {"model": "navigator", "messages": question(PLAN + PROBLEMS[0].text), "temperature": 0}
    raw = client.chat.completions.with_raw_response.create(**asked, logprobs=True, top_logprobs=2)
    whole = raw.parse()
    plan = whole.choices[0].message.content or ""
    assert plan.startswith("1. ")
    assert whole.system_fingerprint == raw.headers["x-reasonflux-checkpoint"] == digest("interplay_navigator")
    weighed = whole.choices[0].logprobs and whole.choices[0].logprobs.content
    assert weighed is not None and all(len(token.top_logprobs) == 2 for token in weighed)
    assert whole.usage is not None and whole.usage.completion_tokens == len(weighed)

    chunks = list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == plan
    assert len(chunks) > 4 and chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens
    assert chunks[-1].system_fingerprint == whole.system_fingerprint

    second = plan.splitlines()[0]
    cut = client.chat.completions.create(**asked, stop=["\n"])
    assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == (second, "stop")
    drawn = [client.chat.completions.create(**asked | {"temperature": 1.5, "seed": 7, "n": 4}) for _ in range(2)]
    texts = [[choice.message.content for choice in each.choices] for each in drawn]
    assert texts[0] == texts[1] and len(set(texts[0])) > 1


def test_a_completion_gives_the_logprobs_of_its_prompt_as_lm_eval_asks_for_them(served: Served) -> None:
    done = served.client("navigator").completions.create(
        model="navigator", prompt=PLAN + "How", max_tokens=1, temperature=0, logprobs=1, echo=True
    )
    (choice,) = done.choices
    logprobs: Any = choice.logprobs
    assert choice.text.startswith(PLAN)
    assert logprobs.token_logprobs[0] is None and all(value <= 0 for value in logprobs.token_logprobs[1:])


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({"model": "gpt"}, 404, "gpt"),
        ({"messages": question("word " * 600)}, 400, "context length"),
        ({"messages": question("x" * 30_000)}, 413, "20,000 bytes"),
        ({"n": 9}, 400, "9 completions are asked for at once; a request has at most 8"),
        ({"temperature": -1}, 400, "temperature"),
        ({"messages": "hello"}, 400, "messages"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_in_openais_shape(
    served: Served, given: dict[str, Any], status: int, words: str
) -> None:
    with pytest.raises(openai.APIStatusError) as raised:
        served.client("reasoner").chat.completions.create(**{"model": "reasoner", "messages": question("a")} | given)
    assert raised.value.status_code == status
    assert words in raised.value.body["message"]  # type: ignore[index]


def test_without_a_key_there_is_nothing_but_health(served: Served) -> None:
    for name in ("navigator", "reasoner"):
        for key in ("wrong", KEY[:-1]):
            with pytest.raises(openai.AuthenticationError):
                served.client(name, key).models.list()
        for path in ("health", "ready"):
            assert httpx.get(f"{served.url(name)}/{path}", timeout=30).status_code == 200
    assert [model.id for model in served.client("reasoner", f"{KEY}-of-another").models.list()] == ["reasoner"]


async def test_more_than_a_replica_takes_is_told_to_come_again_and_then_answered(served: Served) -> None:
    asked: dict[str, Any] = {"model": "reasoner", "messages": question("a"), "extra_body": {"ignore_eos": True}}

    async def ask(client: openai.AsyncOpenAI) -> int:
        try:
            done = await client.chat.completions.create(**asked)
        except openai.RateLimitError as error:
            return error.status_code if error.response.headers["retry-after"] == "1" else 0
        assert done.usage is not None
        return done.usage.completion_tokens

    hurried, patient = served.hurried("reasoner"), served.hurried("reasoner", retries=30)
    once = await asyncio.gather(*[ask(hurried) for _ in range(4 * LIMITS["concurrent"])])
    assert set(once) == {429, LIMITS["output_tokens"]}
    again = await asyncio.gather(*[ask(patient) for _ in range(2 * LIMITS["concurrent"])])
    assert set(again) == {LIMITS["output_tokens"]}


def test_a_method_answers_as_a_model_from_no_replica_on(served: Served) -> None:
    client = served.client("reasonflux")
    stream = client.chat.completions.create(model="reasonflux", messages=question(PROBLEMS[0].text), stream=True)
    chunks = list(stream)
    thoughts = [(chunk.choices[0].delta.model_extra or {}).get("reasoning", "") for chunk in chunks]
    assert "navigator · navigator" in "".join(thoughts) and len([thought for thought in thoughts if thought]) > 1
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    facts = (chunks[-1].model_extra or {})["reasonflux"]
    assert facts["checkpoints"] == {"navigator": [digest("interplay_navigator")], "reasoner": [digest("reasoner")]}
    assert said and facts["failure"] is None
    whole = client.chat.completions.create(model="reasonflux", messages=question(PROBLEMS[0].text))
    assert whole.choices[0].message.content == said
    assert httpx.get(f"{served.url('reasonflux')}/ready", timeout=30).status_code == 200


async def test_a_queue_brings_another_replica_and_silence_takes_all_away(served: Served) -> None:
    async with load_on(served, "reasonflux", clients=9, before="") as load:
        await served.has_replicas("reasonflux", SCALING["max_replicas"])
    await served.has_replicas("reasonflux", 0)
    assert load.answers and load.lost == []


@pytest.fixture(scope="module")
def evaluations(served: Served) -> dict[str, Program]:
    """Started side by side: most of their time they import."""
    return {"lm_eval": lm_eval(served, "reasonflux"), "inspect": inspect_ai(served, "reasoner", "reasonflux")}


def test_lm_evaluation_harness_evaluates_the_method_unchanged(served: Served, evaluations: dict[str, Program]) -> None:
    evaluations["lm_eval"].finish()
    (results,) = (served.directory / "lm_eval").rglob("results_*.json")
    told = json.loads(results.read_text())
    assert told["n-samples"]["testbed"]["effective"] == len(PROBLEMS)
    assert told["results"]["testbed"]["exact_match,boxed"] >= 0.25  # about half of the likeliest plans are right


def test_inspect_ai_evaluates_model_and_method_unchanged(served: Served, evaluations: dict[str, Program]) -> None:
    evaluations["inspect"].finish()
    logs = map(json.loads, (path.read_text() for path in (served.directory / "inspect").glob("*.json")))
    found = {log["eval"]["model"].split("/")[-1]: log for log in logs}
    assert found.keys() == {"reasoner", "reasonflux"}
    for log in found.values():
        assert log["status"] == "success" and log["results"]["completed_samples"] == len(PROBLEMS)
    contents = [sample["output"]["choices"][0]["message"]["content"] for sample in found["reasonflux"]["samples"]]
    assert all("reasoning" in {part["type"] for part in content} for content in contents), "the trajectory is read"
    (score,) = found["reasonflux"]["results"]["scores"]
    assert score["metrics"]["accuracy"]["value"] >= 0.25


async def test_a_new_checkpoint_under_load_loses_no_request_and_mixes_no_answer(served: Served) -> None:
    """By `jobs/deploy.py`: the engine takes it in place, and the method over it is replaced."""
    path = served.path(navigator={"model": "testbed:navigator"})
    async with load_on(served, "navigator") as load, load_on(served, "reasonflux", clients=2, before="") as method:
        await load.seen(digest("interplay_navigator"))
        await asyncio.to_thread(served.deploy, path)
        await load.seen(digest("navigator"))
        await method.seen(f"{digest('navigator')}+{digest('reasoner')}", answers=2)
    load.check(digest("interplay_navigator"), digest("navigator"))
    assert method.lost == []


async def test_serve_deploy_replaces_a_replica_under_load_and_loses_no_request(served: Served) -> None:
    """By `serve deploy`, with a file of one application: what it does not name and did not deploy goes on."""
    path = served.path(only="reasoner", reasoner={"model": "testbed:navigator", "max_model_len": 448})
    async with load_on(served, "reasoner") as load:
        await load.seen(digest("reasoner"))
        await asyncio.to_thread(served.serve_deploy, path)
        await load.seen(digest("navigator"))
    load.check(digest("reasoner"), digest("navigator"))
    assert [model.id for model in served.client("navigator").models.list()] == ["navigator"]


def test_no_key_is_written_anywhere(served: Served) -> None:
    """Comes last: after all that was asked and deployed."""
    files = dict(written(Path(served.head.directory), served.directory))
    assert len(files) > 50
    printed = {f"printed {number}": text.encode() for number, text in enumerate(served.printed)}
    assert leaks((files | printed).items(), KEY, os.environ["RAY_AUTH_TOKEN"]) == []
