"""A template library out of its JSON file: chapter → section → [template], seven fields a template.

The file is either those chapters, as published with arXiv 2502.06772 (18 chapters, 76 sections, 420 templates), or
`{"version": "…", "chapters": {…}}`. The version of a file that states none is the start of its content's digest.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from reasonflux.errors import BadInput
from reasonflux.identity import digest
from reasonflux.inputs import open_input
from reasonflux.records import ThoughtTemplate

TESTBED = "testbed"
TESTBED_FILE = Path(__file__).parent.parent / "testbed" / "template_library.json"
VERSION_DIGITS = 12


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


@dataclass(frozen=True, kw_only=True)
class TemplateLibrary:
    """Thought templates in the order of their file. `digest` is over their content; `version` is what the file says."""

    source: str
    version: str
    digest: str
    templates: tuple[ThoughtTemplate, ...]

    @cached_property
    def by_id(self) -> Mapping[str, ThoughtTemplate]:
        """Every template by its id."""
        return {template.id: template for template in self.templates}

    @cached_property
    def by_name(self) -> Mapping[str, tuple[ThoughtTemplate, ...]]:
        """Templates by name, in file order; seven names of the published file stand twice, with different content."""
        names: dict[str, list[ThoughtTemplate]] = {}
        for template in self.templates:
            names.setdefault(template.name, []).append(template)
        return {name: tuple(templates) for name, templates in names.items()}


def load_library(source: str, version: str | None = None) -> TemplateLibrary:
    """Read a library from a path, an fsspec URI or the word "testbed".

    Raises `BadInput`, naming chapter, section and position, for a file that is missing, is not JSON, repeats a key or
    a template, or holds a template without its seven fields; and for any version but the one that `version` asks for.
    """
    chapters, stated = _read(source)
    templates = tuple(_templates(source, chapters))
    if not templates:
        raise BadInput(
            f"template library {source} holds no template", "Name a file of chapters, sections and templates"
        )
    _refuse_repeats(source, templates)
    content = digest([template.id for template in templates])
    library = TemplateLibrary(
        source=source, version=stated or content[:VERSION_DIGITS], digest=content, templates=templates
    )
    if version is not None and version != library.version:
        raise BadInput(
            f"unknown template library version {version}: {source} is version {library.version}",
            "Set library_version to that, or name the file of the version wanted",
        )
    return library


def template_type(original: str) -> TemplateType:
    """The normalised type of any spelling, e.g. "Problem-Solving Methods" → method; other where no word is known."""
    lowered = original.lower()
    return next((kind for word, kind in TYPE_WORDS if word in lowered), TemplateType.OTHER)


def _read(source: str) -> tuple[Mapping[str, Any], str]:
    """The chapters of a library file, and the version that it states (empty when it states none)."""
    uri = str(TESTBED_FILE) if source == TESTBED else source
    with open_input(uri, "library") as file:
        data = file.read()
    try:
        content = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_without_repeated_keys)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"template library {source} is not a library in JSON: {error}", "Mend the file") from error
    if not isinstance(content, dict):
        raise BadInput(
            f"template library {source} is not an object of chapters", "Its form is chapter → section → list"
        )
    if content.keys() == {"version", "chapters"}:
        return _object(source, "chapters", content["chapters"]), str(content["version"])
    return content, ""


def _without_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} stands twice in one object")
    return content


def _templates(source: str, chapters: Mapping[str, Any]) -> Iterator[ThoughtTemplate]:
    for chapter, sections in chapters.items():
        for section, entries in _object(source, f"chapter {chapter!r}", sections).items():
            place = f"chapter {chapter!r}, section {section!r}"
            if not isinstance(entries, list):
                raise _misplaced(source, place, "is not a list of templates")
            for position, entry in enumerate(entries, start=1):
                yield _template(source, f"{place}, template {position}", chapter, section, entry)


def _template(source: str, place: str, chapter: str, section: str, entry: Any) -> ThoughtTemplate:
    fields = _Fields(source, place, _object(source, place, entry))
    name, original_type = fields.text("template_name"), fields.text("template_type")
    content: dict[str, Any] = {
        "name": name,
        "original_type": original_type,
        "tags": fields.texts("knowledge_tag"),
        "description": fields.text("description"),
        "scenarios": fields.texts("application_scenario"),
        "steps": fields.texts("reason_flow"),
        "example": _as_text(fields.value("example_application")),
        "chapter": chapter,
        "section": section,
    }
    return ThoughtTemplate(id=digest(content), type=template_type(original_type), **content)


class _Fields:
    """One template's fields, refused with their place when they are missing or of the wrong kind."""

    def __init__(self, source: str, place: str, entry: Mapping[str, Any]) -> None:
        self.source, self.place, self.entry = source, place, entry

    def value(self, field: str) -> Any:
        if self.entry.get(field) is None:
            raise _misplaced(self.source, self.place, f"has no {field}")
        return self.entry[field]

    def text(self, field: str) -> str:
        value = self.value(field)
        if not isinstance(value, str) or not value.strip():
            raise _misplaced(self.source, self.place, f"needs text in {field}")
        return value.strip()

    def texts(self, field: str) -> tuple[str, ...]:
        """One text, or a list of texts of which blank ones are layout and left out."""
        value = self.value(field)
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise _misplaced(self.source, self.place, f"needs text or a list of texts in {field}")
        kept = tuple(item.strip() for item in items if item.strip())
        if not kept:
            raise _misplaced(self.source, self.place, f"has nothing in {field}")
        return kept


def _as_text(value: Any, heading: str = "") -> str:
    """An example of either shape as text: objects as `key: value` lines, lists one item a line."""
    prefix = f"{heading}: " if heading else ""
    if isinstance(value, Mapping):
        return "\n".join(_as_text(item, re.sub(r"[_\s]+", " ", str(key)).strip()) for key, item in value.items())
    if isinstance(value, list):
        lines = "\n".join(_as_text(item) for item in value)
        return f"{heading}:\n{lines}" if heading else lines
    return prefix + str(value).strip()


def _object(source: str, place: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _misplaced(source, place, "is not an object")
    return value


def _misplaced(source: str, place: str, what: str) -> BadInput:
    return BadInput(f"template library {source}: {place} {what}", "Mend the file")


def _refuse_repeats(source: str, templates: tuple[ThoughtTemplate, ...]) -> None:
    seen: set[str] = set()
    for template in templates:
        if template.id in seen:
            place = f"chapter {template.chapter!r}, section {template.section!r}"
            raise _misplaced(source, place, f"holds {template.name!r} twice with the same content")
        seen.add(template.id)
