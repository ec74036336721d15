"""The rounds as a graph: a lane a model, its checkpoints from left to right, what each round tried and what stands."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from reasonflux.evals.report.drawing import canvas, label, markup
from reasonflux.evals.report.parts import Drawing
from reasonflux.pairs.provenance import Role
from reasonflux.rounds.record import RoundRecord

LANE = 112  # pixels from one model's lane to the next
FIRST = 92  # of the first lane, from above
ASIDE = 40  # a candidate that was not promoted stands this much above the lane
LEFT, RIGHT = 128, 520  # of the first checkpoint and the last round
DIGITS = 7  # of a digest


def draw_rounds(records: Sequence[RoundRecord]) -> Drawing:
    """Promoted candidates stand on their model's lane, others beside it, joined to it by a dashed line."""
    lanes = {role: FIRST + LANE * place for place, role in enumerate(_roles(records))}
    svg = canvas("Which checkpoint stands after each round", FIRST + LANE * (len(lanes) - 1) + 40)
    step = (RIGHT - LEFT) / len(records)
    columns = {record.number: LEFT + step * (place + 1) for place, record in enumerate(records)}
    for role, lane in lanes.items():
        _lane(svg, role, lane, [record for record in records if record.role is role], columns, step)
    for record in records:
        label(svg, columns[record.number], 22, f"round {record.number}", "middle")
    return Drawing(
        id="round-graph",
        title="Which checkpoint stands",
        caption="A filled dot stands after its round; a hollow one was tried and not promoted. The figure is the "
        "gate's gain on fresh problems.",
        svg=markup(svg),
        legend=(("s2 node", "promoted"), ("kept", "not promoted")),
    )


def _roles(records: Sequence[RoundRecord]) -> list[Role]:
    return [role for role in Role if any(record.role is role for record in records)]


def _lane(
    svg: Element, role: Role, lane: float, records: Sequence[RoundRecord], columns: dict[int, float], step: float
) -> None:
    """One model's: the line of what stands, then its nodes over it."""
    SubElement(svg, "path", {"class": "stands", "d": f"M{LEFT} {lane}H{RIGHT + 26}"})
    label(svg, 8, lane - 4, role.value, "start")
    label(svg, 8, lane + 14, records[0].parent.digest[:DIGITS], "start small")
    _node(svg, LEFT, lane, "start of the rounds: " + records[0].parent.digest, "s0 node")
    for record in records:
        x = columns[record.number]
        told = f"round {record.number}: {record.reason}"
        if record.candidate is None:
            label(svg, x, lane - 10, "no candidate", "middle small")
        elif record.promoted:
            _node(svg, x, lane, told, "s2 node")
            label(svg, x, lane + 24, record.candidate.digest[:DIGITS], "middle small")
            label(svg, x, lane - 14, _gain(record), "middle")
        else:
            path = f"M{x - step} {lane}L{x} {lane - ASIDE}"
            SubElement(svg, "path", {"class": "tried", "d": path})
            _node(svg, x, lane - ASIDE, told, "kept")
            label(svg, x, lane - ASIDE + 22, _gain(record), "middle small")


def _node(svg: Element, x: float, y: float, told: str, kind: str) -> None:
    group = SubElement(svg, "g", {"class": kind})
    node = SubElement(group, "circle", {"cx": f"{x:g}", "cy": f"{y:g}", "r": "8"})
    SubElement(node, "title").text = told


def _gain(record: RoundRecord) -> str:
    primary = (record.gate or {}).get("primary")
    return f"{primary['difference']:+.3f}" if primary else ""
