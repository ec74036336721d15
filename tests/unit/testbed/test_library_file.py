"""The committed library is the one that the world would write, whole and in the published format."""

import json

from reasonflux.testbed.library_file import LIBRARY_FILE, library_text
from reasonflux.testbed.subjects import TEMPLATES

FIELDS = [
    "template_name",
    "template_type",
    "knowledge_tag",
    "description",
    "application_scenario",
    "reason_flow",
    "example_application",
]


def test_the_committed_file_is_current():
    current = LIBRARY_FILE.read_text(encoding="utf-8") == library_text()
    assert current, "run: python -m reasonflux.testbed.library_file"


def test_fifty_templates_have_all_seven_fields_filled():
    chapters = json.loads(LIBRARY_FILE.read_text(encoding="utf-8"))
    entries = [entry for sections in chapters.values() for section in sections.values() for entry in section]
    assert len(entries) >= 50
    assert {entry["template_name"] for entry in entries} == set(TEMPLATES)
    for entry in entries:
        assert list(entry) == FIELDS
        assert all(entry.values())
        assert 2 <= len(entry["reason_flow"]) <= 21
        assert all(entry["knowledge_tag"]) and all(entry["application_scenario"])
        assert entry["example_application"]["example_problem"]
        steps = entry["example_application"]["solution_steps"]
        assert any(step.startswith(f"[{entry['template_name']}] ") and "not applicable" not in step for step in steps)
