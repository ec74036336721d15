"""A saved library is the same library: ids, digest, version, provenance; one that was changed since is told."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reasonflux.errors import BadInput
from reasonflux.library.load import library_of, load_library
from reasonflux.library.saving import in_file_order, library_bytes, save_library
from reasonflux.records import TemplateOrigin
from tests.unit.library.builders import template


@pytest.mark.parametrize("source", ["published", "testbed"])
def test_l1_l4_a_library_comes_back_with_equal_ids_and_digest(
    source: str, tmp_path: Path, shared_data: Callable[[str], Path]
) -> None:
    library = load_library(
        str(shared_data("data/reasonflux/template_library.json")) if source == "published" else source
    )
    save_library(library, tmp_path / "saved.json")
    saved = load_library(str(tmp_path / "saved.json"))
    assert [template.id for template in saved.templates] == [template.id for template in library.templates]
    assert (saved.digest, saved.version) == (library.digest, library.version)
    assert {template.origin.digest for template in saved.templates if template.origin} == {library.digest}
    save_library(saved, str(tmp_path / "again.json"))
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "saved.json").read_bytes()


def test_provenance_comes_back_and_is_no_part_of_the_id(tmp_path: Path) -> None:
    origin = TemplateOrigin(source="algebra", problems=("p1", "p2"), checkpoint="abc", merged=("t9",))
    drawn = template("A", origin=origin)
    assert drawn.id == template("A").id
    save_library(library_of([drawn], source="here", version="3"), tmp_path / "saved.json")
    saved = load_library(str(tmp_path / "saved.json"), version="3")
    assert saved.templates == (drawn,)


def test_a_file_that_was_changed_after_it_was_saved_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "saved.json"
    save_library(library_of([template("A")], source="here"), path)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["chapters"]["C"]["S"][0]["description"] = "Another."
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(BadInput, match="It was changed since it was saved"):
        load_library(str(path))


@pytest.mark.parametrize("provenance", ["text", {"problems": [1]}, {"source": "s", "problems": "p"}])
def test_provenance_of_another_form_is_refused_with_its_place(tmp_path: Path, provenance: object) -> None:
    path = tmp_path / "saved.json"
    save_library(library_of([template("A")], source="here"), path)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["chapters"]["C"]["S"][0]["provenance"] = provenance
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(BadInput, match="chapter 'C', section 'S', template 1 has a provenance of another form"):
        load_library(str(path))


def test_templates_are_put_into_the_order_of_a_file_before_they_are_saved() -> None:
    mixed = [template("A"), template("B", chapter="D"), template("C")]
    with pytest.raises(ValueError, match="chapter by chapter"):
        library_bytes(library_of(mixed, source="here"))
    assert [one.name for one in in_file_order(mixed)] == ["A", "C", "B"]
    assert library_bytes(library_of(in_file_order(mixed), source="here"))
