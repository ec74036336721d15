"""Prompts are Jinja files, one per role and method, rendered in a sandbox and digested as one set.

The plan or other shared text comes before the problem, so that requests which share it share a prefix of the engine's
cache.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from reasonflux.errors import BadInput
from reasonflux.identity import digest
from reasonflux.records import Message

SHIPPED = Path(__file__).parent / "prompts"  # a directory a set: plain, v1, v2
PLAIN = "plain"


@dataclass(frozen=True)
class PromptSet:
    """The sources of one set of prompts by name. Picklable: templates are compiled where they are used."""

    sources: Mapping[str, str]

    @classmethod
    def load(cls, name: str | Path = PLAIN) -> "PromptSet":
        """A shipped set by its name, or every `*.jinja` file of a directory.

        Raises `BadInput` when there is none, or one does not parse.
        """
        directory = SHIPPED / name if str(name) in shipped_sets() else Path(name).expanduser()
        try:
            sources = {path.stem: path.read_text(encoding="utf-8") for path in sorted(directory.glob("*.jinja"))}
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"the prompts in {directory} cannot be read: {error}", "Save them as UTF-8") from error
        if not sources:
            raise BadInput(
                f"no prompt (*.jinja) in {directory}",
                f"Name a directory with navigator.jinja and reasoner.jinja, or one of {', '.join(shipped_sets())}",
            )
        for name, source in sources.items():
            try:
                _compiled(source)
            except TemplateError as error:
                raise BadInput(f"prompt {directory / name}.jinja does not parse: {error}", "Mend it") from error
        return cls(sources)

    @property
    def digest(self) -> str:
        """Digest of the whole set; stands on every row that was made with it."""
        return digest(dict(self.sources))

    def only(self, *names: str) -> "PromptSet":
        """The prompts that a use asks for, so that its digest does not change with those of others.

        Raises `BadInput` for a name that the set lacks.
        """
        return PromptSet({name: self._source(name) for name in sorted(names)})

    def render(self, name: str, **context: Any) -> tuple[Message, ...]:
        """One user message. Raises `BadInput` for a prompt that the set lacks or a variable that was not given."""
        source = self._source(name)
        try:
            text = _compiled(source).render(**context)
        except TemplateError as error:
            raise BadInput(f"prompt {name}.jinja cannot be rendered: {error}", "Mend the template") from error
        return (Message(role="user", content=text.strip()),)

    def _source(self, name: str) -> str:
        if name not in self.sources:
            raise BadInput(f"the prompt set has no {name}.jinja", f"It has: {', '.join(sorted(self.sources))}")
        return self.sources[name]


def shipped_sets() -> list[str]:
    """Names of the sets that come with the project."""
    return sorted(path.name for path in SHIPPED.iterdir() if path.is_dir())


@lru_cache(maxsize=64)
def _compiled(source: str) -> Template:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source)
