"""What Prometheus would have seen of a Ray while it ran."""

import http.client
import json
import threading
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from reasonflux.distributed.local_head import LocalHead


@dataclass
class Scraper:
    """Reads, again and again, every endpoint that Ray's own service discovery names for Prometheus."""

    head: LocalHead
    series: dict[str, dict[tuple[tuple[str, str], ...], float]] = field(default_factory=dict)  # greatest value
    _discovery: list[Path] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Scraper":
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(10)

    def total(self, name: str, **labels: str) -> float:
        """The sum over the series of a name whose labels hold `labels`."""
        return sum(value for key, value in self.series.get(name, {}).items() if labels.items() <= dict(key).items())

    def _run(self) -> None:
        while not self._ended.wait(0.5):
            for target in self._targets():
                self._scrape(target)

    def _targets(self) -> list[str]:
        """As the file names them that Prometheus would be given."""
        if not self._discovery:
            self._discovery = list(Path(self.head.directory).rglob("prom_metrics_service_discovery.json"))[:1]
        return [
            target for path in self._discovery for each in json.loads(path.read_text()) for target in each["targets"]
        ]

    def _scrape(self, target: str) -> None:
        try:
            with urllib.request.urlopen(f"http://{target}/metrics", timeout=5) as answer:
                families = list(text_string_to_metric_families(answer.read().decode()))
        except (OSError, ValueError, http.client.HTTPException):  # an answer that was cut off, too
            return
        for sample in (sample for family in families for sample in family.samples):
            key = tuple(sorted(sample.labels.items()))
            seen = self.series.setdefault(sample.name, {})
            seen[key] = max(sample.value, seen.get(key, float("-inf")))
