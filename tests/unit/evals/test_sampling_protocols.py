"""The sampling protocols hold the reference's numbers."""

from reasonflux.evals.sampling_protocols import PROTOCOLS
from reasonflux.reasoning.methods.styles import STYLES


def test_i9_v3_the_papers_protocols_are_the_numbers_of_their_generation() -> None:
    for name, style in (("paper_v1", "v1"), ("paper_v2", "v2")):
        protocol = PROTOCOLS[name]
        assert (protocol.navigator, protocol.reasoner) == (STYLES[style].navigator, STYLES[style].reasoner)
        assert protocol.samples == 1
    v2 = PROTOCOLS["paper_v2"].reasoner
    assert (v2.temperature, v2.top_p, v2.top_k, v2.presence_penalty, v2.max_tokens) == (0.7, 0.8, 20, 1.5, 32_768)
    assert PROTOCOLS["paper_v2"].navigator.max_tokens == 16_384


def test_f1c_long_answers_may_have_32768_tokens() -> None:
    assert PROTOCOLS["f1"].reasoner.max_tokens == 32_768


def test_averages_are_over_the_samples_that_their_names_say_and_greedy_is_greedy() -> None:
    assert {name: PROTOCOLS[name].samples for name in ("avg@16", "avg@64", "greedy")} == {
        "avg@16": 16,
        "avg@64": 64,
        "greedy": 1,
    }
    assert PROTOCOLS["greedy"].navigator.temperature == PROTOCOLS["greedy"].reasoner.temperature == 0
