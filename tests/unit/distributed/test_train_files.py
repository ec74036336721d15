"""Nothing is resumed from files that are not those that this run wrote."""

from collections.abc import Callable
from pathlib import Path

import pytest

from reasonflux.distributed.train_files import check_sums, write_sums
from reasonflux.errors import StorageError


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Two nodes' files of one checkpoint, as they come back from the run's store."""
    (tmp_path / "global_step3").mkdir()
    (tmp_path / "optimizer.pt").write_bytes(b"state")
    write_sums(tmp_path, "inputs", node=0)
    (tmp_path / "global_step3" / "rank_1.pt").write_bytes(b"shard")
    write_sums(tmp_path, "inputs", node=1)
    return tmp_path


def test_untouched_files_of_the_same_inputs_pass(checkpoint: Path) -> None:
    check_sums(checkpoint, "inputs")


def changed(path: Path) -> None:
    (path / "optimizer.pt").write_bytes(b"other")


def added(path: Path) -> None:
    (path / "scheduler.pt").write_bytes(b"more")


def missing(path: Path) -> None:
    (path / "global_step3" / "rank_1.pt").unlink()


def unsigned(path: Path) -> None:
    for sums in path.glob("sums-*"):
        sums.unlink()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (changed, "optimizer.pt .* is not what was written"),
        (added, "scheduler.pt .* is not what was written"),
        (missing, "lacks global_step3/rank_1.pt"),
        (unsigned, "is not what was written"),
    ],
)
def test_a_file_that_was_changed_added_or_lost_is_never_loaded(
    damage: Callable[[Path], None], told: str, checkpoint: Path
) -> None:
    damage(checkpoint)
    with pytest.raises(StorageError, match=told):
        check_sums(checkpoint, "inputs")


def test_a_checkpoint_of_other_inputs_is_never_loaded(checkpoint: Path) -> None:
    with pytest.raises(StorageError, match="another base or data"):
        check_sums(checkpoint, "others")
