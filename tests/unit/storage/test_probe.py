"""Probes: each place where a run cannot work is refused in one line, within the deadline."""

import errno
import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reasonflux.errors import BadInput
from reasonflux.storage.objects import ObjectFiles
from reasonflux.storage.probe import probe
from reasonflux.storage.store import Store
from tests.conftest import S3Server

DEADLINE_S = 10.0


def refused(store: Store, deadline_s: float = DEADLINE_S) -> str:
    """The message of the refusal: one line, with a remedy, in time."""
    began = time.monotonic()
    with pytest.raises(BadInput) as caught:
        probe(store, deadline_s)
    assert time.monotonic() - began <= deadline_s + 5
    assert "\n" not in str(caught.value)
    assert caught.value.remedy
    return str(caught.value)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A socket that accepts connections and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server


def test_a_good_place_passes_and_nothing_is_left(store: Store) -> None:
    probe(store)
    assert store.list() == []
    assert store.leftovers() == []


def test_a_missing_bucket_is_named(s3_server: S3Server) -> None:
    message = refused(Store.at("s3://no-such-bucket/runs"))
    assert "s3://no-such-bucket/runs at http://127.0.0.1" in message
    assert "NoSuchBucket" in message
    assert "Create the bucket" in message


def test_an_endpoint_that_refuses_connections_is_named(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        closed = f"http://127.0.0.1:{server.getsockname()[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", closed)
    message = refused(Store.at("s3://bucket/runs"))
    assert closed in message
    assert "AWS_ENDPOINT_URL" in message


@pytest.mark.slow
def test_an_endpoint_that_never_answers_costs_the_deadline_and_no_more(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, listening: socket.socket
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listening.getsockname()[1]}")
    assert "did not answer within 1 s" in refused(Store.at("s3://bucket/runs"), 1.0)


def test_missing_credentials_are_named(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in refused(Store.at("s3://bucket/runs"))


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"])
def test_a_bucket_that_refuses_to_be_written_is_told_by_its_answer(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    from botocore.exceptions import ClientError

    def deny(*arguments: object) -> None:
        answer = ClientError({"Error": {"Code": code, "Message": "No."}}, "PutObject")
        raise PermissionError("No.") from answer

    monkeypatch.setattr(ObjectFiles, "create", deny)
    message = refused(Store.at("s3://bucket/runs"))
    assert code in message
    assert "a role that may write there" in message


def test_an_s3_that_ignores_conditional_puts_is_refused(on_s3: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ObjectFiles, "create", lambda self, name, data: self.put(name, data) or True)
    assert "overwrites a file that was to be created once" in refused(on_s3)
    assert on_s3.list() == []


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    assert "Name a directory, not a file" in refused(Store.at(tmp_path / "taken"))
    assert "Name a directory, not a file" in refused(Store.at(tmp_path / "taken" / "run"))


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_directory_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def deny(*arguments: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("reasonflux.storage.local._write_beside", deny)
    message = refused(Store.at(tmp_path / "run"))
    assert f"cannot write to {tmp_path}/run" in message
    assert os.strerror(code) in message


def test_a_directory_that_hangs_costs_the_deadline_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reasonflux.storage.local._write_beside", _hang)
    assert "did not answer within 0.2 s" in refused(Store.at(tmp_path), 0.2)


def _hang(*arguments: object) -> None:
    time.sleep(30)
