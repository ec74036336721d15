"""Files that the user names: what cannot be opened, does not answer or breaks off is refused in one line."""

import bz2
import gzip
import lzma
import socket
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from reasonflux import inputs
from reasonflux.errors import BadInput
from reasonflux.inputs import open_input


def refused(uri: str) -> str:
    with pytest.raises(BadInput) as caught, open_input(uri, "problems.path") as file:
        file.read()
    assert "problems.path" in caught.value.remedy
    return str(caught.value)


def test_a_file_is_read_and_decompressed_by_its_ending(tmp_path: Path) -> None:
    (tmp_path / "set.jsonl").write_bytes(b"{}")
    (tmp_path / "set.jsonl.gz").write_bytes(gzip.compress(b"{}"))
    for name in ("set.jsonl", "set.jsonl.gz"):
        with open_input(str(tmp_path / name), "problems.path") as file:
            assert file.read() == b"{}"


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def garble(data: bytes) -> bytes:
    return data[:20] + b"x" * 20


def replace(data: bytes) -> bytes:
    return b"not what its ending says" + data


@pytest.mark.parametrize("spoil", [cut, garble, replace])
@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("xz", lzma.compress), ("bz2", bz2.compress)])
def test_a_file_that_breaks_off_is_named(
    tmp_path: Path, spoil: Callable[[bytes], bytes], ending: str, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / f"set.jsonl.{ending}"
    path.write_bytes(spoil(pack(bytes(range(256)) * 50)))
    assert f"{path} cannot be read to its end: " in refused(str(path))


def test_an_endpoint_that_never_answers_costs_the_deadline_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "OPEN_DEADLINE_S", 0.3)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}/set.jsonl"
        began = time.monotonic()
        message = refused(uri)
    assert f"{uri} cannot be opened: no answer within 0.3 s" in message
    assert time.monotonic() - began < 10


def test_an_error_of_the_reader_stays_its_own(tmp_path: Path) -> None:
    (tmp_path / "set.jsonl").write_bytes(b"{}")
    with pytest.raises(ZeroDivisionError), open_input(str(tmp_path / "set.jsonl"), "problems.path"):
        _ = 1 / 0
