"""A library as a file: version, digest, and the provenance of each template. `load.py` reads it back to equal ids."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

from reasonflux.library.entries import PROVENANCE
from reasonflux.library.load import TemplateLibrary
from reasonflux.records import TemplateOrigin, ThoughtTemplate
from reasonflux.storage.store import Store


def in_file_order(templates: Iterable[ThoughtTemplate]) -> list[ThoughtTemplate]:
    """Templates by chapter and section, each where it first occurs: the order in which a file can hold them."""
    chapters: dict[str, dict[str, list[ThoughtTemplate]]] = {}
    for template in templates:
        chapters.setdefault(template.chapter, {}).setdefault(template.section, []).append(template)
    return [template for sections in chapters.values() for entries in sections.values() for template in entries]


def library_bytes(library: TemplateLibrary) -> bytes:
    """The file's bytes, equal for equal libraries.

    The templates have to stand `in_file_order`, else the file would be of another digest; raises `ValueError`.
    A template without an origin comes from this library.
    """
    if in_file_order(library.templates) != list(library.templates):
        raise ValueError("the templates of a library stand chapter by chapter and section by section")
    here = TemplateOrigin(source=PurePosixPath(library.source).name, digest=library.digest)
    chapters: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for template in library.templates:
        entries = chapters.setdefault(template.chapter, {}).setdefault(template.section, [])
        entries.append(_entry(template, template.origin or here))
    content = {"version": library.version, "digest": library.digest, "chapters": chapters}
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def save_library(library: TemplateLibrary, place: str | Path) -> None:
    """Writes or replaces the file at a path or URI by one atomic put; raises `StorageError` when that fails."""
    folder, _, name = str(place).rpartition("/")
    Store.at(folder or ("/" if str(place).startswith("/") else ".")).put(name, library_bytes(library))


def _entry(template: ThoughtTemplate, origin: TemplateOrigin) -> dict[str, Any]:
    return {
        "template_name": template.name,
        "template_type": template.original_type,
        "knowledge_tag": template.tags,
        "description": template.description,
        "application_scenario": template.scenarios,
        "reason_flow": template.steps,
        "example_application": template.example,
        PROVENANCE: {name: value for name, value in asdict(origin).items() if value},
    }
