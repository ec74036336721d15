"""A secret is found in whatever form a run writes it."""

import base64
import gzip
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from reasonflux.evals.report import fitting
from tests.written import leaks, written

SECRET = "canary"


def test_a_secret_is_found_in_text_rows_archives_and_packed_blocks(tmp_path: Path) -> None:
    pq.write_table(pa.table({"said": [SECRET * 3] * 100}), tmp_path / "rows.parquet", compression="zstd")
    (tmp_path / "plain.log").write_text(f"key {SECRET}")
    (tmp_path / "log.gz").write_bytes(gzip.compress(SECRET.encode()))
    with zipfile.ZipFile(tmp_path / "results.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.json", f'"{SECRET}"')
    block = base64.b64encode(gzip.compress(f"[{SECRET!r}]".encode(), mtime=0)).decode()
    (tmp_path / "report.html").write_text(f"<script>{block}</script>")
    (tmp_path / "clean.txt").write_text("nothing here")
    found = {Path(name).name for name in leaks(written(tmp_path), SECRET)}
    assert found == {"rows.parquet", "plain.log", "log.gz", "results.zip", "report.html"}


def test_blocks_of_a_report_are_packed_as_they_are_looked_for(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text(f'<script type="text/plain">{fitting._squeezed([SECRET])}</script>')
    assert len(leaks(written(tmp_path), SECRET)) == 1
