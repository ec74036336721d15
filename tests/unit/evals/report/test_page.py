"""The page stays the project's own markup, whatever models, data sets and endpoints wrote into it."""

import base64
import hashlib
import re

import pytest

from reasonflux.evals.report.page import page
from reasonflux.evals.report.parts import RunPart
from tests.unit.evals.report.pages import HOSTILE, ReadPage, part_of

NOW = "2026-11-21T20:00+00:00"
PLAIN = RunPart(title="small", kind="scores", place="/runs/small")


@pytest.fixture(scope="module")
def hostile() -> ReadPage:
    return ReadPage.of(page([part_of(HOSTILE)], now=NOW).encode().decode())


def test_hostile_texts_become_no_element_and_no_attribute(hostile: ReadPage) -> None:
    harmless = ReadPage.of(page([part_of("harmless")], now=NOW))
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in harmless.elements]
    for tag, attributes in hostile.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "src", "srcdoc")], tag
        assert (attributes.get("href") or "#").startswith("#")
    assert len(hostile.inline["script"]) == len(hostile.inline["style"]) == 1


def test_the_policy_lets_the_pages_own_script_and_style_run_and_nothing_else(hostile: ReadPage) -> None:
    rules = dict(rule.strip().split(" ", 1) for rule in hostile.policy.split(";"))
    assert rules["default-src"] == "'none'" and "unsafe" not in hostile.policy and "http" not in hostile.policy
    for kind in ("script", "style"):
        digest = hashlib.sha256(hostile.inline[kind][0].encode()).digest()
        assert rules[f"{kind}-src"] == f"'sha256-{base64.b64encode(digest).decode()}'"


def test_what_models_wrote_reaches_the_page_as_data_with_every_character_visible(hostile: ReadPage) -> None:
    (item,) = hostile.unpacked("block-0")["items"]
    text = item["courses"][0]["turns"][0]["text"]
    assert "</script><script>" in text and "\\u202e" in text and "\\u001b" in text and "\\u0000" in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", str(item))
    assert "characters left out" in text, "one text of a model does not fill the page"
    html = page([part_of(HOSTILE)], now=NOW)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", html)


def test_a_page_loads_nothing() -> None:
    read = ReadPage.of(page([PLAIN, PLAIN], now=NOW))
    assert not [tag for tag, _ in read.elements if tag in ("img", "link", "iframe", "object", "embed", "base", "video")]


def test_the_scripts_never_parse_markup() -> None:
    (script,) = ReadPage.of(page([PLAIN], now=NOW)).inline["script"]
    for unsafe in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval(", "Function("):
        assert unsafe not in script
    assert "fetch(" not in script and "XMLHttpRequest" not in script
