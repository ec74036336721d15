"""The page: one HTML file with its style, its script and its data, and a policy that lets nothing else in.

Templates escape whatever they are given. The policy names the style and the script by their digests, so that a script
that came in through a text would not run; there is none of `unsafe-inline`, no network, no frame.
"""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reasonflux.evals.report.fitting import pack
from reasonflux.evals.report.parts import RunPart, wide
from reasonflux.evals.report.tables import numeric, shown_cell
from reasonflux.evals.report.texts import clean

SCRIPTS = ("mathematics.js", "search.js", "item.js", "viewer.js")  # in the order in which they need each other


def page(parts: Sequence[RunPart], *, now: str) -> str:
    """The report of those runs; `now` is when it was made."""
    items = [item for part in parts for item in part.items]
    templates = {template.id: template for part in parts for template in part.templates}
    style, script = _asset("page.css"), "\n".join(map(_asset, SCRIPTS))
    shown = sum(part.problems for part in parts)
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            title=" · ".join(part.title for part in parts),
            parts=parts,
            packed=pack(items, list(templates.values())),
            items=len(items),
            left_out=max(0, shown - len(items)),
            now=now,
            style=Markup(style),  # a file of this package
            script=Markup(script),
            policy=_policy(style, script),
        )
    )


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _asset(name: str) -> str:
    text = files("reasonflux.evals.report").joinpath(name).read_text(encoding="utf-8")
    assert "</" not in text, f"{name} would end its own element"
    return text


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reasonflux.evals.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters |= {"cell": shown_cell}
    environment.tests |= {"numeric_in": lambda place, table: numeric(table, place), "wide": wide}
    return environment


def _finalize(value: Any) -> Any:
    """Texts of others with every character visible; what is markup already is the project's own."""
    return clean(value) if type(value) is str else value
