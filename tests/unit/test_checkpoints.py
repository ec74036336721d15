"""Which files a checkpoint is, its digest, what a node copies, and that no half copy is ever used."""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import pytest

from reasonflux.checkpoints import Unreachable, checkpoint_digest, find_checkpoint, resolve_source, stage
from reasonflux.errors import BadInput, EngineError
from tests.models import EMPTY_SAFETENSORS, write_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model")


def remote_copy(model: Path, name: str) -> str:
    filesystem = fsspec.filesystem("memory")
    for file in model.iterdir():
        filesystem.pipe(f"/{name}/{file.name}", file.read_bytes())
    return f"memory://{name}"


def test_a_copy_has_the_same_digest_and_another_weight_another(model: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(model, tmp_path / "elsewhere" / "copy")
    (copy / "README.md").write_text("other words")
    assert checkpoint_digest(str(copy)) == checkpoint_digest(str(model))
    assert checkpoint_digest(remote_copy(model, "same")) == checkpoint_digest(str(model))
    (copy / "model.safetensors").write_bytes(EMPTY_SAFETENSORS + b" ")
    assert checkpoint_digest(str(copy)) != checkpoint_digest(str(model))


def test_a_directory_of_links_as_the_hubs_cache_has_them_is_a_model(model: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    for file in model.iterdir():
        (snapshot / file.name).symlink_to(file)
    (snapshot / "more.safetensors").symlink_to(tmp_path, target_is_directory=True)
    assert checkpoint_digest(str(snapshot)) == checkpoint_digest(str(model))


def test_config_and_chat_template_are_part_of_the_digest(model: Path) -> None:
    before = checkpoint_digest(str(model))
    (model / "chat_template.jinja").write_text("{{ other }}")
    after = checkpoint_digest(str(model))
    (model / "config.json").write_text("{}")
    assert len({before, after, checkpoint_digest(str(model))}) == 3


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda model: (model / "model.safetensors").unlink(), "has no safetensors file"),
        (
            lambda model: (model / "model.safetensors").rename(model / "pytorch_model.bin"),
            "has only pickled weights (pytorch_model.bin)",
        ),
        (
            lambda model: (model / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n"),
            "model.safetensors holds no safetensors (43 bytes). Fetch the weights themselves",
        ),
        (lambda model: (model / "model.safetensors").write_bytes(b""), "holds no safetensors (0 bytes)"),
        (lambda model: (model / "config.json").unlink(), "has no config.json"),
        (lambda model: (model / "tokenizer.json").unlink(), "has no tokenizer"),
        (lambda model: (model / "chat_template.jinja").unlink(), "has no chat template"),
        (
            lambda model: (model / "model.safetensors.index.json").write_text('{"weight_map": '),
            "model.safetensors.index.json is not JSON",
        ),
        (
            lambda model: (model / "model.safetensors.index.json").write_text(
                json.dumps({"weight_map": {"a": "model.safetensors", "b": "model-00002.safetensors"}})
            ),
            "lacks model-00002.safetensors",
        ),
    ],
)
def test_an_unusable_model_is_bad_input_in_one_line(model: Path, break_it: Callable[[Path], object], said: str) -> None:
    break_it(model)
    with pytest.raises(BadInput) as caught:
        find_checkpoint(str(model))
    assert said in str(caught.value)
    assert str(model) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 2


def test_a_place_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    for place in (str(tmp_path / "none"), "memory://nowhere"):
        with pytest.raises(BadInput, match="no model at"):
            find_checkpoint(place)


def test_a_place_that_cannot_be_asked_is_told_from_one_that_holds_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object, **__: object) -> None:
        raise ConnectionError("no network")

    monkeypatch.setattr(fsspec.core, "url_to_fs", silent)
    with pytest.raises(Unreachable, match="no network"):
        find_checkpoint("owner/name")
    with pytest.raises(BadInput, match="no network") as caught:
        find_checkpoint("./owner/name")
    assert not isinstance(caught.value, Unreachable)  # this machine has been asked


def test_what_looks_like_a_hub_id_is_read_from_the_hub_unless_a_directory_has_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve_source("Qwen/Qwen2.5-32B", "v1") == "hf://Qwen/Qwen2.5-32B@v1"
    write_model(tmp_path / "Qwen" / "Qwen2.5-32B")
    assert resolve_source("Qwen/Qwen2.5-32B", "v1") == str(tmp_path / "Qwen" / "Qwen2.5-32B")
    assert resolve_source("s3://bucket/model/") == "s3://bucket/model"
    assert resolve_source("./nowhere/model") == str(tmp_path / "nowhere" / "model")


def test_a_template_inside_the_tokenizer_config_counts(model: Path) -> None:
    (model / "chat_template.jinja").unlink()
    (model / "tokenizer_config.json").write_text('{"chat_template": "{{ messages }}"}')
    assert find_checkpoint(str(model)).weights == ["model.safetensors"]


def test_pickles_beside_safetensors_are_neither_digested_nor_copied(model: Path, tmp_path: Path) -> None:
    digest = checkpoint_digest(str(model))
    (model / "training_args.bin").write_bytes(b"pickle")
    assert checkpoint_digest(str(model)) == digest
    staged = stage(remote_copy(model, "pickles"), digest, cache=tmp_path / "cache")
    assert not (staged / "training_args.bin").exists()


def test_a_local_model_is_used_where_it_lies_if_it_is_the_expected_one(model: Path) -> None:
    assert stage(str(model), checkpoint_digest(str(model))) == model
    with pytest.raises(EngineError, match="expected abc"):
        stage(str(model), "abc")


def test_a_remote_model_is_copied_once_and_whole(model: Path, tmp_path: Path) -> None:
    source, digest = remote_copy(model, "once"), checkpoint_digest(str(model))
    with ThreadPoolExecutor(4) as pool:
        places = set(pool.map(lambda _: stage(source, digest, cache=tmp_path / "cache"), range(4)))
    (place,) = places
    assert checkpoint_digest(str(place)) == digest
    fsspec.filesystem("memory").rm("/once", recursive=True)
    assert stage(source, digest, cache=tmp_path / "cache") == place  # no second read of the source


def test_a_copy_with_another_digest_is_thrown_away(model: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with pytest.raises(EngineError, match="expected abc"):
        stage(remote_copy(model, "wrong"), "abc", cache=cache)
    assert [path for path in cache.iterdir() if path.is_dir()] == []
