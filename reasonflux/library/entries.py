"""Templates out of the entries of a library file: seven fields of either shape, and provenance where it is stated."""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reasonflux.identity import digest
from reasonflux.records import TemplateOrigin, ThoughtTemplate

PROVENANCE = "provenance"
ORIGIN = TypeAdapter(TemplateOrigin)


class TemplateType(StrEnum):
    """The closed set that the many spellings of `template_type` come down to."""

    FORMULA = "formula"
    METHOD = "method"
    APPLICATION = "application"
    CONCLUSION = "conclusion"  # a secondary conclusion: a result worth knowing by heart
    PROPERTY = "property"
    OTHER = "other"


# The first word that occurs decides: "Important Formulas and Theorems" is a formula.
TYPE_WORDS: tuple[tuple[str, TemplateType], ...] = (
    ("formula", TemplateType.FORMULA),
    ("method", TemplateType.METHOD),
    ("application", TemplateType.APPLICATION),
    ("conclusion", TemplateType.CONCLUSION),
    ("propert", TemplateType.PROPERTY),
    ("theorem", TemplateType.PROPERTY),
    ("solving", TemplateType.METHOD),
    ("solution", TemplateType.METHOD),
)


def template_of(
    *,
    name: str,
    original_type: str,
    tags: tuple[str, ...],
    description: str,
    scenarios: tuple[str, ...],
    steps: tuple[str, ...],
    example: str,
    chapter: str,
    section: str,
    origin: TemplateOrigin | None = None,
) -> ThoughtTemplate:
    """A template with the id that its content and place give it, and its type normalised."""
    content: dict[str, Any] = {
        "name": name,
        "original_type": original_type,
        "tags": tags,
        "description": description,
        "scenarios": scenarios,
        "steps": steps,
        "example": example,
        "chapter": chapter,
        "section": section,
    }
    return ThoughtTemplate(id=digest(content), type=template_type(original_type), origin=origin, **content)


def template_type(original: str) -> TemplateType:
    """The normalised type of any spelling, e.g. "Problem-Solving Methods" → method; other where no word is known."""
    lowered = original.lower()
    return next((kind for word, kind in TYPE_WORDS if word in lowered), TemplateType.OTHER)


def read_templates(chapters: Mapping[str, Any], faults: list[str]) -> Iterator[ThoughtTemplate]:
    """Every template that can be read; what is wrong with the others goes to `faults`."""
    for chapter, sections in chapters.items():
        if not isinstance(sections, dict):
            faults.append(f"chapter {chapter!r} is not an object")
            continue
        for section, entries in sections.items():
            place = f"chapter {chapter!r}, section {section!r}"
            if not isinstance(entries, list):
                faults.append(f"{place} is not a list of templates")
                continue
            for position, entry in enumerate(entries, start=1):
                try:
                    yield _template(chapter, section, entry)
                except _Misfit as error:
                    faults.append(f"{place}, template {position} {error}")


def _template(chapter: str, section: str, entry: Any) -> ThoughtTemplate:
    if not isinstance(entry, dict):
        raise _Misfit("is not an object")
    fields = _Fields(entry)
    return template_of(
        name=fields.text("template_name"),
        original_type=fields.text("template_type"),
        tags=fields.texts("knowledge_tag"),
        description=fields.text("description"),
        scenarios=fields.texts("application_scenario"),
        steps=fields.texts("reason_flow"),
        example=_as_text(fields.value("example_application")),
        chapter=chapter,
        section=section,
        origin=_origin(entry.get(PROVENANCE)),
    )


class _Misfit(Exception):
    """What is wrong with one template."""


class _Fields:
    """One template's fields, refused when they are missing or of the wrong kind."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.entry = entry

    def value(self, field: str) -> Any:
        if self.entry.get(field) is None:
            raise _Misfit(f"has no {field}")
        return self.entry[field]

    def text(self, field: str) -> str:
        value = self.value(field)
        if not isinstance(value, str) or not value.strip():
            raise _Misfit(f"needs text in {field}")
        return value.strip()

    def texts(self, field: str) -> tuple[str, ...]:
        """One text, or a list of texts of which blank ones are layout and left out."""
        value = self.value(field)
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise _Misfit(f"needs text or a list of texts in {field}")
        kept = tuple(item.strip() for item in items if item.strip())
        if not kept:
            raise _Misfit(f"has nothing in {field}")
        return kept


def _origin(value: Any) -> TemplateOrigin | None:
    if value is None:
        return None
    try:
        return ORIGIN.validate_python(value)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise _Misfit(f"has a {PROVENANCE} of another form at {place or 'its top'}") from error


def _as_text(value: Any, heading: str = "") -> str:
    """An example of either shape as text: objects as `key: value` lines, lists one item a line."""
    prefix = f"{heading}: " if heading else ""
    if isinstance(value, Mapping):
        return "\n".join(_as_text(item, re.sub(r"[_\s]+", " ", str(key)).strip()) for key, item in value.items())
    if isinstance(value, list):
        lines = "\n".join(_as_text(item) for item in value)
        return f"{heading}:\n{lines}" if heading else lines
    return prefix + str(value).strip()
