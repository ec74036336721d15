"""Tables 2 and 3: ours beside the published rows, and what was not measured is no figure."""

from reasonflux.evals.exhibits import Exhibits
from reasonflux.evals.studies.material import Published, PublishedTables
from reasonflux.evals.studies.showing import rich_table
from reasonflux.evals.studies.table2 import Row, Table2
from reasonflux.evals.studies.table3 import Table3
from tests.unit.evals.studies.builders import arm, material

PAPER = Published(name="v1-32B", source="arXiv", values={"aime24": 56.7})
LLAMA = Published(name="Llama", source="arXiv", values={"direct": 47.6, "with template": 75.1})


def test_e1_e7_a_cell_that_nobody_measured_is_none_on_either_side() -> None:
    ours = Row(name="ours", arm="r#direct@model")
    study = Table2(kind="table2", benchmarks={"set": "The set", "aime24": "AIME 2024"}, rows=(ours,))
    shown = study.exhibits(material(arm("cc", "c1", "11", "11"), published=PublishedTables(table2=(PAPER,))))
    table, cost = shown.tables
    assert table.columns == ("model and method", "source", "The set", "AIME 2024")
    own, theirs = table.rows
    assert str(own[2]).startswith("37.5 (") and own[3] is None
    assert theirs == ("v1-32B", "arXiv", None, 56.7)
    assert cost.rows == (("ours", "The set", "4 × 2", "0 + 0", "20 + 30", "1.0", "0.5"),)
    assert list(study.arms()) == [("r#direct@model", None)]
    assert Exhibits.read(shown.to_json()) == shown
    assert rich_table(table).row_count == 2


def test_e6_differences_are_by_problem_and_the_controls_stand_beside() -> None:
    study = Table3(kind="table3", run="r", benchmark="set", models={"model": "Ours"}, caveat="Built in.")
    runs = material(
        arm("11", "c1"),
        arm("cc", "c1", method="with_template"),
        arm("11", "11", method="random_plan"),
        arm("c1", "c1", method="retrieved_plan"),
        published=PublishedTables(table3=(LLAMA,)),
    )
    shown = study.exhibits(runs)
    (table,) = shown.tables
    ours, theirs = table.rows
    assert [str(cell).split()[0] for cell in ours[2:6]] == ["25.0", "75.0", "0.0", "50.0"]
    assert table.columns[6:] == tuple(f"with template − {one}" for one in ("direct", "random plan", "retrieved plan"))
    assert [str(cell).split()[0] for cell in ours[6:]] == ["+50.0", "+75.0", "+25.0"]
    assert "0.0 to +100.0" in str(ours[6])  # the two problems' own differences are 1 and 0
    assert theirs == ("Llama", "arXiv", 47.6, 75.1, None, None, 27.5, None, None)
    assert "Built in. No threshold is set." in table.caption
    assert [(one.name, [(point.x, point.y) for point in one.points]) for one in shown.plots[0].series] == [
        ("with template", [(0.25, 0.75)]),
        ("random plan", [(0.25, 0.0)]),
        ("retrieved plan", [(0.25, 0.5)]),
    ]
