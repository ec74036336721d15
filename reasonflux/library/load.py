"""A template library out of its JSON file: chapter → section → [template], seven fields a template.

The file is either those chapters, as published with arXiv 2502.06772 (18 chapters, 76 sections, 420 templates), or
`{"version": "…", "digest": "…", "chapters": {…}}`, as `saving.py` writes it, where a template may state its provenance.
The version of a file that states none is the start of its content's digest.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from reasonflux.errors import BadInput
from reasonflux.identity import digest
from reasonflux.inputs import open_input
from reasonflux.library.entries import read_templates
from reasonflux.records import ThoughtTemplate

TESTBED = "testbed"
TESTBED_FILE = Path(__file__).parent.parent / "testbed" / "template_library.json"
VERSION_DIGITS = 12
FAULTS_NAMED = 20  # places spelled out in a message


class BadLibrary(BadInput):
    """A file that can be read and is no library; the message names every place that is wrong."""


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

    @cached_property
    def by_tag(self) -> Mapping[str, tuple[ThoughtTemplate, ...]]:
        """Templates by each of their tags, in lower case, in file order."""
        tags: dict[str, list[ThoughtTemplate]] = {}
        for template in self.templates:
            for tag in dict.fromkeys(tag.casefold() for tag in template.tags):
                tags.setdefault(tag, []).append(template)
        return {tag: tuple(templates) for tag, templates in tags.items()}


def load_library(source: str, version: str | None = None) -> TemplateLibrary:
    """Read a library from a path, an fsspec URI or the word "testbed".

    Raises `BadLibrary`, naming chapter, section and position of all that is wrong, for a file that is not JSON, repeats
    a key or a template, holds a template without its seven fields, or has another digest than it states; `BadInput` for
    one that is missing, and for any version but the one that `version` asks for.
    """
    chapters, stated, saved_digest = _read(source)
    faults: list[str] = []
    templates = tuple(read_templates(chapters, faults))
    faults += _repeats(templates)
    _refuse(source, faults)
    if not templates:
        raise BadLibrary(
            f"template library {source} holds no template", "Name a file of chapters, sections and templates"
        )
    library = library_of(templates, source=source, version=stated)
    if saved_digest not in ("", library.digest):
        raise BadLibrary(
            f"template library {source} has digest {library.digest}, and says {saved_digest}",
            "It was changed since it was saved: take digest and version out, or the file as it was",
        )
    if version is not None and version != library.version:
        raise BadInput(
            f"unknown template library version {version}: {source} is version {library.version}",
            "Set library_version to that, or name the file of the version wanted",
        )
    return library


def library_of(templates: Iterable[ThoughtTemplate], *, source: str, version: str = "") -> TemplateLibrary:
    """A library of those templates, in this order; without a version it is named after its content."""
    kept = tuple(templates)
    content = digest([template.id for template in kept])
    return TemplateLibrary(source=source, version=version or content[:VERSION_DIGITS], digest=content, templates=kept)


def _read(source: str) -> tuple[Mapping[str, Any], str, str]:
    """The chapters of a library file, and the version and digest that it states (empty where it states none)."""
    uri = str(TESTBED_FILE) if source == TESTBED else source
    with open_input(uri, "library") as file:
        data = file.read()
    try:
        content = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_without_repeated_keys)
    except (ValueError, RecursionError) as error:
        raise BadLibrary(f"template library {source} is not a library in JSON: {error}", "Mend the file") from error
    if not isinstance(content, dict):
        raise BadLibrary(
            f"template library {source} is not an object of chapters", "Its form is chapter → section → list"
        )
    if {"version", "chapters"} <= content.keys() <= {"version", "chapters", "digest"}:
        if not isinstance(content["chapters"], dict):
            _refuse(source, ["chapters is not an object"])
        return content["chapters"], str(content["version"]), str(content.get("digest", ""))
    return content, "", ""


def _without_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} stands twice in one object")
    return content


def _repeats(templates: Iterable[ThoughtTemplate]) -> Iterator[str]:
    seen: set[str] = set()
    for template in templates:
        if template.id in seen:
            place = f"chapter {template.chapter!r}, section {template.section!r}"
            yield f"{place} holds {template.name!r} twice with the same content"
        seen.add(template.id)


def _refuse(source: str, faults: list[str]) -> None:
    """One error for all that is wrong."""
    if len(faults) == 1:
        raise BadLibrary(f"template library {source}: {faults[0]}", "Mend the file")
    if faults:
        more = [f"and {len(faults) - FAULTS_NAMED} more"] if len(faults) > FAULTS_NAMED else []
        lines = ["Mend them:", *faults[:FAULTS_NAMED], *more]
        raise BadLibrary(f"template library {source} is wrong in {len(faults)} places", "\n  ".join(lines))
