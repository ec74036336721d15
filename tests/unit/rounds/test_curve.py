"""The learning curve keeps what was trained on and what was held out apart."""

import pytest

from reasonflux.rounds.curve import points
from reasonflux.rounds.scores import ProblemScore


def score(id_: str, family: str | None, held_out: bool, value: float, solved: int = 0, draws: int = 1) -> ProblemScore:
    return ProblemScore(
        id=id_,
        family=family,
        phrasing=0,
        held_out=held_out,
        draws=draws,
        unreadable=0,
        failed=0,
        score=value,
        solved=solved,
        steps=2,
        in_library=1,
    )


def test_a_family_that_is_known_otherwise_is_held_out_by_its_wording() -> None:
    scores = [
        score("a", "sums", False, 1.0),
        score("b", "sums", True, 0.5),
        score("c", "products", True, 0.0),
    ]
    found = {point.group: point for point in points("greedy", 2, scores)}
    assert {group: point.mean for group, point in found.items()} == {
        "trained": 1.0,
        "held-out wordings": 0.5,
        "held-out families": 0.0,
    }
    assert {point.after_round for point in found.values()} == {2}
    assert found["trained"].in_library == 0.5


def test_pass_at_k_goes_up_to_the_draws_and_not_beyond() -> None:
    scores = [score("a", None, False, 0.5, solved=2, draws=4), score("b", None, False, 0.0, solved=0, draws=4)]
    (point,) = points("sampled", 0, scores)
    assert point.pass_at == pytest.approx({1: 0.25, 2: (1 - 1 / 6) / 2, 4: 0.5})


def test_one_draw_has_no_pass_at_k() -> None:
    (point,) = points("greedy", 0, [score("a", None, False, 1.0, solved=1)])
    assert point.pass_at == {}
