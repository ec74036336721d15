"""Whether a run can work at a place, found out before anything is started, and within a deadline."""

import os
import threading
import uuid
from concurrent.futures import Future
from urllib.parse import urlsplit

from reasonflux.errors import BadInput
from reasonflux.storage.local import LocalFiles
from reasonflux.storage.objects import ObjectFiles
from reasonflux.storage.store import Files, Store

_CREDENTIALS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or a role that may write there"
_ENDPOINT = "Check the network, AWS_ENDPOINT_URL and AWS_DEFAULT_REGION, or the mount"
_REMEDIES = {  # by the error's class or, for an answer of S3, its code
    "NoCredentialsError": _CREDENTIALS,
    "PartialCredentialsError": _CREDENTIALS,
    "InvalidAccessKeyId": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "AccessDenied": _CREDENTIALS,
    "403": _CREDENTIALS,
    "ProfileNotFound": _CREDENTIALS,
    "NoSuchBucket": "Create the bucket, or name another",
    "InvalidBucketName": "Name an existing bucket",
    "EndpointConnectionError": _ENDPOINT,
    "ConnectTimeoutError": _ENDPOINT,
    "ReadTimeoutError": _ENDPOINT,
    "PermissionError": "Name a directory that this user may write to",
    "NotADirectoryError": "Name a directory, not a file",
    "FileExistsError": "Name a directory, not a file",
}
_OTHERWISE = "Name a place that can be written to"


def probe(store: Store, deadline_s: float = 10.0) -> None:
    """Proves that a run can work at `store`: creates, reads and deletes a small file, for at most `deadline_s` seconds.

    Raises `BadInput` with the reason: unwritable, no such bucket, refused, unreachable, silent, or a store that lets
    one conditional put follow another, where neither manifests nor leases would hold.
    """
    outcome: Future[None] = Future()
    try:
        # Opened before the clock runs: imports take a while, and the network is not asked yet. The client's own
        # time-out comes after the deadline and only ends the thread.
        files = LocalFiles(store.uri) if store.is_local else ObjectFiles(store.uri, timeout_s=2 * deadline_s)
        threading.Thread(target=_attempt, args=(store, files, outcome), name="storage-probe", daemon=True).start()
        outcome.result(deadline_s)
    except Exception as error:  # of any file system's library
        if isinstance(error, TimeoutError) and not outcome.done():
            raise BadInput(f"{_place(store)} did not answer within {deadline_s:g} s", _ENDPOINT) from error
        raise _explained(store, error) from error


def _attempt(store: Store, files: Files, outcome: Future[None]) -> None:
    try:
        _write_and_delete(store, files)
        outcome.set_result(None)
    except Exception as error:  # handed to the caller's thread
        outcome.set_exception(error)


def _write_and_delete(store: Store, files: Files) -> None:
    name = f".probe-{uuid.uuid4().hex}"
    files.create(name, b"first")
    try:
        if files.create(name, b"second") or files.get(name) != b"first":
            raise BadInput(
                f"{_place(store)} overwrites a file that was to be created once",
                "Use a file system with hard links, or an S3 that honours If-None-Match",
            )
    finally:
        files.delete(name)


def _explained(store: Store, error: Exception) -> BadInput:
    if isinstance(error, BadInput):
        return error
    response = getattr(error.__cause__, "response", None) or {}
    code = response.get("Error", {}).get("Code") or type(error).__name__
    reason = " ".join(str(error).split()).rstrip(".") or code
    return BadInput(f"cannot write to {_place(store)}: {reason} ({code})", _REMEDIES.get(code, _OTHERWISE))


def _place(store: Store) -> str:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    at = f" at {endpoint}" if endpoint and urlsplit(store.uri).scheme == "s3" else ""
    return f"{store.uri}{at}"
