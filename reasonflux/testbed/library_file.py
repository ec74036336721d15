"""The world's templates as a library file: chapter → section → templates of seven fields, as published ones are."""

import json
from pathlib import Path
from typing import Any

from reasonflux.testbed.execution import execute
from reasonflux.testbed.families import Family, Numbers
from reasonflux.testbed.subjects import FAMILIES, SUBJECTS
from reasonflux.testbed.templates import WorldTemplate
from reasonflux.testbed.world import THINGS, WHO, numbers_in

LIBRARY_FILE = Path(__file__).parent / "template_library.json"


def library() -> dict[str, dict[str, list[dict[str, Any]]]]:
    """The whole library; a chapter is a subject, a section a type of templates. Equal on every call."""
    chapters: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for subject, module in SUBJECTS.items():
        sections = chapters.setdefault(subject, {})
        for template in module.TEMPLATES:
            sections.setdefault(f"{template.type}s", []).append(_entry(template))
    return chapters


def library_text() -> str:
    """What stands in the committed file."""
    return json.dumps(library(), indent=2, ensure_ascii=False) + "\n"


def _entry(template: WorldTemplate) -> dict[str, Any]:
    return {
        "template_name": template.name,
        "template_type": template.type,
        "knowledge_tag": list(template.tags),
        "description": template.description,
        "application_scenario": list(template.scenarios),
        "reason_flow": list(template.steps),
        "example_application": _example(template),
    }


def _example(template: WorldTemplate) -> dict[str, Any]:
    """The template at work: in the shortest plan that shows it."""
    family, plan = _shortest_use(template)
    numbers = numbers_in(family.name, "training")[0]
    execution = execute(numbers, plan)
    steps = [f"[{name}] {line}" for name, line in zip(plan, execution.lines, strict=True)]
    return {"example_problem": _statement(family, numbers), "solution_steps": steps}


def _shortest_use(template: WorldTemplate) -> tuple[Family, tuple[str, ...]]:
    """The shortest right plan that holds the template, else a tempting one, else itself alone where it applies."""
    families = [family for family in FAMILIES.values() if not family.held_out]
    right = [(family, family.plan) for family in families if template.name in family.plan]
    tempting = [(family, family.tempting) for family in families if template.name in family.tempting]
    alone = [(f, (template.name,)) for f in families if set(template.needs) <= set(numbers_in(f.name, "training")[0])]
    return min(right or tempting or alone, key=lambda use: len(use[1]))


def _statement(family: Family, numbers: Numbers) -> str:
    return family.phrasings[0].format(**numbers, who=WHO[0], thing=THINGS[0])


if __name__ == "__main__":
    LIBRARY_FILE.write_text(library_text(), encoding="utf-8")
