"""The check counts what is there and finds what a person should look at."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from reasonflux.library.check import check_library
from reasonflux.library.doubles import COMMON, NEIGHBOURS, near_doubles
from tests.unit.library.builders import ENTRY, save, template


@pytest.mark.slow
def test_l1_l3_l4_l5_the_published_library_is_counted(shared_data: Callable[[str], Path]) -> None:
    check = check_library(str(shared_data("data/reasonflux/template_library.json")))
    counts = check.counts()
    assert [counts[what] for what in ("chapters", "sections", "templates", "tags")] == [18, 76, 420, 922]
    assert (counts["fewest steps"], counts["most steps"]) == (2, 21)
    assert (counts["spellings of a type"], counts["types"], counts["names that stand twice"]) == (29, 5, 7)
    assert sum(sum(spellings.values()) for spellings in check.spellings.values()) == 420
    assert counts["near-doubles"] == 9
    console = Console(width=120)
    with console.capture() as printed:
        console.print(check.table())
    assert "Hypergeometric Distribution" in printed.get()


def test_l4_near_doubles_are_told_from_siblings() -> None:
    templates = [
        template("Law of total probability", tags=("probability", "cases"), steps=("Split into cases", "Add them up")),
        template("The law of total probability", tags=("Probability", "cases"), steps=("Split in cases", "Add up")),
        template("Law of cosines", tags=("triangles",), steps=("Name the sides", "Solve for the third")),
    ]
    assert [(pair.first, pair.second) for pair in near_doubles(templates)] == [(0, 1)]


def test_a_tag_that_everything_has_does_not_make_the_search_quadratic() -> None:
    crowd = [template(f"name{number:03}", steps=(f"step{number}",)) for number in range(COMMON + 1)]
    assert len(near_doubles(crowd, least=0.0)) < len(crowd) * NEIGHBOURS
    assert len(near_doubles(crowd[:4], least=0.0)) == 6
    found = near_doubles([*crowd, template("name007", steps=("step7", "and on"))])
    assert (7, len(crowd)) in [(pair.first, pair.second) for pair in found]


def test_brackets_in_a_name_are_no_markup(tmp_path: Path) -> None:
    check = check_library(save(tmp_path / "a.json", ENTRY, ENTRY | {"template_name": "Completing the square [i/j]"}))
    assert check.counts()["near-doubles"] == 1
