"""What a library file holds, counted, and what in it a person may want to look at."""

from collections import Counter
from dataclasses import dataclass

from rich.table import Table

from reasonflux.library.doubles import NearDouble, near_doubles
from reasonflux.library.load import TemplateLibrary, load_library

SPELLINGS_SHOWN = 6  # of one type, most frequent first


@dataclass(frozen=True, kw_only=True)
class LibraryCheck:
    """What was found in one library."""

    library: TemplateLibrary
    spellings: dict[str, dict[str, int]]  # by normalised type: spellings of it and their templates
    doubles: dict[str, int]  # names that stand more than once: how often
    near: tuple[NearDouble, ...]  # of other names than each other's

    def counts(self) -> dict[str, int]:
        """The numbers of the table's first part, by what they count."""
        templates = self.library.templates
        steps = [len(template.steps) for template in templates]
        return {
            "chapters": len({template.chapter for template in templates}),
            "sections": len({(template.chapter, template.section) for template in templates}),
            "templates": len(templates),
            "tags": len({tag for template in templates for tag in template.tags}),
            "fewest steps": min(steps),
            "most steps": max(steps),
            "several scenarios": sum(len(template.scenarios) > 1 for template in templates),
            "with provenance": sum(template.origin is not None for template in templates),
            "spellings of a type": sum(map(len, self.spellings.values())),
            "types": len(self.spellings),
            "names that stand twice": len(self.doubles),
            "near-doubles": len(self.near),
        }

    def table(self) -> Table:
        """Counts, then normalisations, doubles and near-doubles."""
        table = Table("what", "found", "which", title=f"{self.library.source}, version {self.library.version}")
        table.add_row("digest", "", self.library.digest)
        for what, count in self.counts().items():
            table.add_row(what, f"{count:,}", "")
        table.add_section()
        for kind, spellings in self.spellings.items():
            shown = [f"{name} ({count})" for name, count in list(spellings.items())[:SPELLINGS_SHOWN]]
            more = [f"and {len(spellings) - SPELLINGS_SHOWN} more"] if len(spellings) > SPELLINGS_SHOWN else []
            table.add_row(f"type {kind}", f"{sum(spellings.values()):,}", ", ".join(shown + more))
        table.add_section()
        for name, count in self.doubles.items():
            table.add_row("double", str(count), name)
        table.add_section()
        for pair in self.near:
            one, other = self.library.templates[pair.first], self.library.templates[pair.second]
            table.add_row("near-double", f"{pair.likeness:.2f}", f"{one.name}\n{other.name}")
        return table


def check_library(source: str) -> LibraryCheck:
    """Loads and looks through a library; raises as `load_library` does."""
    library = load_library(source)
    types: dict[str, Counter[str]] = {}
    for template in library.templates:
        types.setdefault(template.type, Counter())[template.original_type] += 1
    templates = library.templates
    return LibraryCheck(
        library=library,
        spellings={kind: dict(types[kind].most_common()) for kind in sorted(types)},
        doubles={name: len(found) for name, found in library.by_name.items() if len(found) > 1},
        near=tuple(
            pair for pair in near_doubles(templates) if templates[pair.first].name != templates[pair.second].name
        ),
    )
