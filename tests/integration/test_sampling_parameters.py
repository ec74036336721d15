"""What a `Sampling` says is what vLLM's own parameters say."""

import pytest

from reasonflux.distributed.sampling import vllm_parameters
from reasonflux.protocols import Sampling


@pytest.mark.slow  # imports vLLM, unless a test before has done so
def test_parameters_reach_vllm_under_their_own_names() -> None:
    from vllm.sampling_params import RequestOutputKind

    sampling = Sampling(
        temperature=0.3,
        top_p=0.8,
        top_k=7,
        max_tokens=9,
        stop=("a", "b"),
        presence_penalty=0.2,
        logprobs=3,
        extra={"min_p": 0.1, "frequency_penalty": 0.4, "repetition_detection": {"max_pattern_size": 4, "min_count": 3}},
    )
    made = vllm_parameters(sampling, seed=5)
    given = {name: getattr(made, name) for name in ("temperature", "top_p", "top_k", "max_tokens", "logprobs", "seed")}
    assert given == {"temperature": 0.3, "top_p": 0.8, "top_k": 7, "max_tokens": 9, "logprobs": 3, "seed": 5}
    assert (made.stop, made.presence_penalty, made.min_p, made.frequency_penalty) == (["a", "b"], 0.2, 0.1, 0.4)
    assert made.repetition_detection is not None
    assert made.repetition_detection.max_pattern_size == 4
    assert made.output_kind == RequestOutputKind.FINAL_ONLY
    assert vllm_parameters(Sampling(regex="a+"), None).structured_outputs.regex == "a+"
    assert vllm_parameters(Sampling(choice=("x", "y")), None).structured_outputs.choice == ["x", "y"]
    assert vllm_parameters(Sampling(json_schema={"type": "object"}), None).structured_outputs.json == {"type": "object"}
    assert vllm_parameters(Sampling(), None).logprobs == 0  # else there is no cumulative logprob
