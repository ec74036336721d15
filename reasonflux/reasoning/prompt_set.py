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

DEFAULT_DIRECTORY = Path(__file__).parent / "prompts"


@dataclass(frozen=True)
class PromptSet:
    """The sources of one set of prompts by name. Picklable: templates are compiled where they are used."""

    sources: Mapping[str, str]

    @classmethod
    def load(cls, directory: Path = DEFAULT_DIRECTORY) -> "PromptSet":
        """Every `*.jinja` file of a directory; raises `BadInput` when there is none or one does not parse."""
        try:
            sources = {path.stem: path.read_text(encoding="utf-8") for path in sorted(directory.glob("*.jinja"))}
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"the prompts in {directory} cannot be read: {error}", "Save them as UTF-8") from error
        if not sources:
            raise BadInput(
                f"no prompt (*.jinja) in {directory}", "Name a directory that holds navigator.jinja and reasoner.jinja"
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

    def render(self, name: str, **context: Any) -> tuple[Message, ...]:
        """One user message. Raises `BadInput` for a prompt that the set lacks or a variable that was not given."""
        if name not in self.sources:
            raise BadInput(f"the prompt set has no {name}.jinja", f"It has: {', '.join(sorted(self.sources))}")
        try:
            text = _compiled(self.sources[name]).render(**context)
        except TemplateError as error:
            raise BadInput(f"prompt {name}.jinja cannot be rendered: {error}", "Mend the template") from error
        return (Message(role="user", content=text.strip()),)


@lru_cache(maxsize=64)
def _compiled(source: str) -> Template:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source)
