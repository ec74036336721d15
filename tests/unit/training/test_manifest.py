"""A checkpoint is what its manifest says, or is refused."""

import shutil
from pathlib import Path

import pytest

from reasonflux.checkpoints import checkpoint_digest
from reasonflux.configuring import resolve_model
from reasonflux.errors import BadInput
from reasonflux.training.manifest import (
    MANIFEST,
    CheckpointManifest,
    Source,
    TrainingRows,
    read_manifest,
    verify_checkpoint,
)
from tests.unit.training.test_data import recipe


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A trained checkpoint: the testbed's navigator with a manifest of ours."""
    place = tmp_path / "checkpoint"
    shutil.copytree(resolve_model("testbed:navigator"), place)
    manifest = CheckpointManifest(
        digest=checkpoint_digest(str(place)),
        parent=Source(source="testbed:navigator", digest="p"),
        data=TrainingRows(source="d", digest="d", rows=3, left_out={"empty prompt": 1}),
        recipe=recipe("d"),
        versions={"torch": "2.13.0"},
        seed=0,
        steps_expected=4,
        steps_done=4,
        metrics={"loss": 0.5},
        finished="2026-11-21T12:00:00+00:00",
    )
    (place / MANIFEST).write_bytes(manifest.to_bytes())
    return place


def test_a_manifest_is_read_back_as_it_was_written(checkpoint: Path) -> None:
    manifest = read_manifest(str(checkpoint))
    assert manifest is not None
    assert manifest.to_bytes() == (checkpoint / MANIFEST).read_bytes()
    assert verify_checkpoint(str(checkpoint), manifest.digest) == manifest.digest


def test_a_checkpoint_whose_files_were_changed_is_refused(checkpoint: Path) -> None:
    with (checkpoint / "chat_template.jinja").open("a") as file:
        file.write(" ")
    with pytest.raises(BadInput, match=r"have digest .*, its manifest says"):
        verify_checkpoint(str(checkpoint))


def test_a_base_that_differs_from_the_recipes_is_refused(checkpoint: Path) -> None:
    with pytest.raises(BadInput, match="base_digest asks for 0000"):
        verify_checkpoint(str(checkpoint), "0000")


def test_a_manifest_of_another_kind_is_none_and_a_damaged_one_is_refused(checkpoint: Path) -> None:
    assert read_manifest(resolve_model("testbed:navigator")) is None
    (checkpoint / MANIFEST).write_text(
        (checkpoint / MANIFEST).read_text().replace('"steps_done": 4', '"steps_done": "x"')
    )
    with pytest.raises(BadInput, match=f"{MANIFEST} is damaged: steps_done"):
        read_manifest(str(checkpoint))
