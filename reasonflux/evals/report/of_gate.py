"""A gate that was asked alone: who was compared with whom, on what, and what was decided."""

import json
from typing import Any

from reasonflux.evals.exhibits import Table
from reasonflux.evals.report.parts import RunPart, Section
from reasonflux.rounds.finding import DECISION
from reasonflux.rounds.gate import verdict
from reasonflux.rounds.showing import GATE_COLUMNS, gate_rows
from reasonflux.storage.run import Run


def read_gate_run(run: Run) -> RunPart:
    """The run is finished: before that there is no decision."""
    manifest: dict[str, Any] = run.manifest() or {}
    decision = json.loads(run.store.read(DECISION))
    table = Table(
        id="gate",
        title="Gate",
        caption="Candidate − parent on fresh problems and on every benchmark named: 95% interval over problems, "
        "one-sided p of a sign-flip permutation test over problems. Last: the smallest difference that so many show.",
        columns=GATE_COLUMNS,
        rows=tuple(gate_rows(decision)),
    )
    facts = {name: manifest.get(name, "") for name in ("finished", "role", "lot")}
    for who in ("parent", "candidate"):
        facts[who] = "{model} ({digest})".format(**manifest[who])
    return RunPart(
        title=run.store.uri.rpartition("/")[2],
        kind="gate",
        place=run.store.uri,
        sections=(Section(title="Gate", words=(f"The candidate: {verdict(decision)}",), tables=(table,)),),
        facts=tuple((name, str(value)) for name, value in (facts | manifest.get("versions", {})).items()),
        config=run.store.read("config.yaml").decode(errors="replace"),
    )
