"""A server of the protocol by which `huggingface_hub` fetches models, over directories of this machine."""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flask import Flask, Response, abort, jsonify, send_file
from werkzeug.serving import make_server

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def hub_server(models: Mapping[str, Path]) -> Iterator[str]:
    """Serves each model's directory under its id; gives what HF_ENDPOINT should be."""
    server = make_server("127.0.0.1", 0, _application(models), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)


def _application(models: Mapping[str, Path]) -> Flask:
    hub = Flask(__name__)

    def directory(owner: str, name: str) -> Path:
        return models.get(f"{owner}/{name}") or abort(404)

    @hub.get("/api/models/<owner>/<name>/revision/<revision>")
    def about(owner: str, name: str, revision: str) -> Response:
        directory(owner, name)
        return jsonify({"id": f"{owner}/{name}", "sha": COMMIT, "siblings": []})

    @hub.get("/api/models/<owner>/<name>/tree/<revision>")
    def tree(owner: str, name: str, revision: str) -> Response:
        files = sorted(directory(owner, name).iterdir())
        entries = [
            {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": _digest(file)} for file in files
        ]
        return jsonify(entries)

    @hub.get("/<owner>/<name>/resolve/<revision>/<path:file>")
    def content(owner: str, name: str, revision: str, file: str) -> Response:
        path = directory(owner, name) / file
        response = send_file(path, etag=_digest(path))
        response.headers["X-Repo-Commit"] = COMMIT
        return response

    return hub


def _digest(file: Path) -> str:
    return hashlib.sha1(file.read_bytes(), usedforsecurity=False).hexdigest()
