"""A round's record survives its file, says what stands after it, and is shown as it is."""

import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from reasonflux.cli.main import main
from reasonflux.errors import StorageError
from reasonflux.pairs.provenance import Role
from reasonflux.rounds.config import Served, Standing
from reasonflux.rounds.curve import Point
from reasonflux.rounds.record import RECORD, RoundRecord, replayed, standing_after
from reasonflux.rounds.showing import curve_picture, curve_table, tree
from reasonflux.storage.store import Store

PARENT, CANDIDATE = Served(model="/models/old", digest="a" * 32), Served(model="/models/new", digest="b" * 32)
START = Standing(navigator=PARENT, reasoner=Served(model="/models/solver", digest="c" * 32))
BETTER = RoundRecord(
    number=1,
    role=Role.NAVIGATOR,
    parent=PARENT,
    problems=216,
    pairs=308,
    reward=0.364,
    purity=0.827,
    output_tokens=167106,
    dataset="/runs/pairs",
    other="c" * 32,
    candidate=CANDIDATE,
    promoted=True,
    reason="better on primary: +0.204 [+0.074, +0.333], p = 0.0032, α = 0.0125",
    gate={"promoted": True},
    training={"steps_done": 40, "metrics": {"loss": 0.5}},
    seconds=61.0,
)
STOPPED = replace(
    BETTER, number=2, candidate=None, promoted=False, reason="kept: it [collapsed]", training={}, gate=None
)


def test_pairs_are_trained_on_again_while_the_other_model_stays() -> None:
    rounds = [replace(BETTER, number=number, dataset=f"/runs/{number}") for number in (1, 2, 3)]
    strangers = [
        replace(BETTER, dataset="/runs/other", other="d" * 32),
        replace(BETTER, dataset="/runs/role", role=Role.REASONER),
        replace(BETTER, dataset="/runs/none", pairs=0),
    ]
    asked = [*rounds, *strangers]
    assert replayed(asked, Role.NAVIGATOR, BETTER.other, 2) == ("/runs/2", "/runs/3")
    assert replayed(asked, Role.NAVIGATOR, BETTER.other, 9) == ("/runs/1", "/runs/2", "/runs/3")
    assert replayed(asked, Role.NAVIGATOR, BETTER.other, 0) == ()


def point(after_round: int, mean: float, **changes: Any) -> Point:
    values: dict[str, Any] = {
        "scoring": "greedy",
        "plans": "navigator",
        "after_round": after_round,
        "group": "trained",
        "problems": 540,
        "draws": 16,
        "mean": mean,
        "low": mean - 0.03,
        "high": mean + 0.03,
        "in_library": 0.99,
        "unreadable": 0,
        "failed": 0,
        "pass_at": {1: mean, 16: 0.9},
    }
    return Point(**(values | changes))


def text_of(renderable: Any) -> str:
    console = Console(width=200)
    return "\n".join("".join(segment.text for segment in line) for line in console.render_lines(renderable))


@pytest.mark.parametrize("record", [BETTER, STOPPED])
def test_a_record_is_read_as_it_was_written(record: RoundRecord) -> None:
    assert RoundRecord.parse(record.to_bytes(), "round.json") == record


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"role": "judge"}', BETTER.to_bytes()[:100]])
def test_a_damaged_record_is_named(data: bytes) -> None:
    with pytest.raises(StorageError, match=r"/runs/round-1/round\.json"):
        RoundRecord.parse(data, "/runs/round-1/round.json")


def test_only_what_was_promoted_stands_afterwards() -> None:
    assert BETTER.after(START) == Standing(navigator=CANDIDATE, reasoner=START.reasoner)
    assert STOPPED.after(START) == START


def test_what_stands_now_is_the_last_that_was_promoted_of_each_model() -> None:
    later = replace(STOPPED, parent=CANDIDATE)
    reasoner = replace(later, number=3, role=Role.REASONER, parent=START.reasoner)
    assert standing_after([BETTER, later]) == {Role.NAVIGATOR: CANDIDATE}
    assert standing_after([BETTER, later, reasoner]) == {Role.NAVIGATOR: CANDIDATE, Role.REASONER: START.reasoner}
    assert f"stands now, navigator: {CANDIDATE.digest}  {CANDIDATE.model}" in text_of(
        tree("/runs/rounds", [BETTER, later], finished=True)
    )


def test_the_tree_holds_what_decided_and_no_markup_of_a_reason() -> None:
    text = text_of(tree("/runs/rounds", [BETTER, STOPPED], finished=False))
    for part in ("not finished", "round 1, navigator: promoted", "round 2, navigator: kept", "[collapsed]"):
        assert part in text
    for part in ("0.364", "82.7%", "308", "40 steps", "α = 0.0125", CANDIDATE.digest):
        assert part in text


def test_the_curve_is_a_table_and_a_picture_in_both_formats() -> None:
    curve = [point(0, 0.5), point(1, 0.8), point(0, 0.99, scoring="right_plans", plans="right", pass_at={})]
    text = text_of(curve_table(curve))
    assert "0.800 (0.770 to 0.830)" in text
    assert "@16 0.900" in text
    assert curve_picture(curve, "png").startswith(b"\x89PNG")
    assert b"<svg" in curve_picture(curve, "svg")[:1000]
    assert curve_picture(curve, "svg") == curve_picture(curve, "svg")


def test_rounds_show_tells_of_an_unfinished_run_and_refuses_what_is_none(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rounds", "show", str(tmp_path)]) == 2
    assert "is no run directory" in capsys.readouterr().err
    store = Store.at(tmp_path)
    store.put("config.yaml", b"name: rounds\n")
    store.put(f"round-1/{RECORD}", BETTER.to_bytes())
    assert main(["rounds", "show", str(tmp_path)]) == 0
    assert "round 1, navigator: promoted" in capsys.readouterr().out
    assert main(["rounds", "show", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["standing"] == {"navigator": {"digest": CANDIDATE.digest, "model": CANDIDATE.model}}
    assert main(["rounds", "show", str(tmp_path), "--plot", str(tmp_path)]) == 2
    assert "no learning curve yet" in capsys.readouterr().err
