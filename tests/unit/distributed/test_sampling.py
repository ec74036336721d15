"""Every sampling parameter of vLLM passes through by its own name, and a wrong name is told before engines start."""

import subprocess
import sys
from typing import Any

import pytest

from reasonflux.distributed.sampling import check_sampling, vllm_fields
from reasonflux.errors import BadInput
from reasonflux.protocols import Sampling


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"repetition_penality": 1.1}, "sampling.extra.repetition_penality is no parameter of vLLM"),
        ({"repetition_penality": 1.1}, "Did you mean repetition_penalty?"),
        ({"xyzzy": 1}, "See vLLM's SamplingParams"),
        ({"top_p": 0.5}, "Set sampling.top_p"),
        ({"n": 4}, "ask for more rows"),
        ({"seed": 1}, "a seed of its own"),
        ({"_eos_token_id": 1}, "no parameter of vLLM"),
    ],
)  # fmt: skip
def test_a_name_that_cannot_be_used_is_refused_with_the_remedy(extra: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_sampling(Sampling(extra=extra))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(),
        Sampling(extra={"min_p": 0.1, "bad_words": ["x"], "logit_bias": {"3": 1.0}, "ignore_eos": True}),
        Sampling(json_schema={"type": "object"}),
        Sampling(extra={"structured_outputs": {"grammar": "root ::= 'a'"}}),
    ],
)
def test_what_vllm_knows_passes(sampling: Sampling) -> None:
    check_sampling(sampling)


def test_two_kinds_of_structured_output_are_refused() -> None:
    with pytest.raises(BadInput, match="regex and choice"):
        check_sampling(Sampling(regex="a", choice=("a",)))
    with pytest.raises(BadInput, match=r"json_schema and extra\.structured_outputs"):
        check_sampling(Sampling(json_schema={}, extra={"structured_outputs": {"regex": "a"}}))


def test_the_check_imports_no_engine() -> None:
    code = (
        "import sys; from reasonflux.protocols import Sampling;"
        "from reasonflux.distributed.sampling import check_sampling;"
        "check_sampling(Sampling(extra={'min_p': 0.1})); print({'vllm', 'torch', 'ray'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"


def test_names_are_those_of_the_installed_vllm() -> None:
    names = vllm_fields("sampling_params", "SamplingParams")
    assert {"temperature", "min_p", "thinking_token_budget", "repetition_detection"} <= names
    assert {"model", "kv_cache_memory_bytes", "enable_log_requests"} <= vllm_fields(
        "engine.arg_utils", "EngineArgs", "AsyncEngineArgs"
    )
