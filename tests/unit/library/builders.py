"""Templates and library files for the tests of this room."""

import json
from pathlib import Path
from typing import Any

from reasonflux.library.entries import template_of
from reasonflux.records import TemplateOrigin, ThoughtTemplate

ENTRY = {
    "template_name": "Completing the square",
    "template_type": "Solving Method",
    "knowledge_tag": ["quadratics"],
    "description": "Write a quadratic as a square and a constant.",
    "application_scenario": "Quadratics without a rational root",
    "reason_flow": ["Halve the linear coefficient", "Add and subtract its square"],
    "example_application": "x^2 + 2x = (x + 1)^2 - 1",
}


def save(path: Path, *entries: Any) -> str:
    """A library file of one section."""
    path.write_text(json.dumps({"Algebra": {"Quadratics": list(entries)}}), encoding="utf-8")
    return str(path)


def template(
    name: str,
    *,
    tags: tuple[str, ...] = ("algebra",),
    description: str = "What it is for.",
    steps: tuple[str, ...] = ("Begin", "End"),
    chapter: str = "C",
    section: str = "S",
    origin: TemplateOrigin | None = None,
) -> ThoughtTemplate:
    """A template of which a test says what matters to it."""
    return template_of(
        name=name,
        original_type="Method",
        tags=tags,
        description=description,
        scenarios=("Anywhere",),
        steps=steps,
        example="",
        chapter=chapter,
        section=section,
        origin=origin,
    )
