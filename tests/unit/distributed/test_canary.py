"""What a canary asks, and when it says that an engine computes with other weights."""

import pytest

from reasonflux.distributed import canary
from reasonflux.distributed.canary import ANSWER_TOKENS, Spoken, canary_prompts, check_canary, difference
from reasonflux.errors import EngineError

SPOKEN = Spoken(tokens=(1, 2, 3), logprobs=(-1.0, -2.0))


@pytest.mark.parametrize(("vocabulary", "context"), [(151_936, 32_768), (300, 24), (2, ANSWER_TOKENS + 2)])
def test_prompts_are_the_same_everywhere_and_fit_with_their_answers(vocabulary: int, context: int) -> None:
    prompts = canary_prompts(vocabulary, context)
    assert prompts == canary_prompts(vocabulary, context)
    assert all(0 <= token < vocabulary for prompt in prompts for token in prompt)
    assert all(0 < len(prompt) < context - ANSWER_TOKENS for prompt in prompts)
    assert len({tuple(prompt) for prompt in prompts}) > 1


def test_the_difference_is_of_single_tokens_so_that_errors_do_not_cancel() -> None:
    assert difference([SPOKEN], [[-1.5, -1.5]]) == 0.5


@pytest.mark.parametrize(
    ("told", "dtype", "passes"),
    [
        ([-1.0001, -1.9999], "float32", True),
        ([-1.0005, -1.9995], "float32", False),
        ([-1.1, -1.9], "bfloat16", True),
        ([-1.3, -1.7], "bfloat16", False),
        ([float("nan"), -2.0], "bfloat16", False),
    ],
)
def test_beyond_the_tolerance_and_for_no_number_at_all_it_raises(
    monkeypatch: pytest.MonkeyPatch, told: list[float], dtype: str, passes: bool
) -> None:
    monkeypatch.setattr(canary, "reference_logprobs", lambda *_: told)
    if passes:
        assert check_canary([SPOKEN], None, dtype) == pytest.approx(abs(told[0] + 1))
    else:
        with pytest.raises(EngineError, match="nats a token"):
            check_canary([SPOKEN], None, dtype)
