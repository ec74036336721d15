"""Where models and data may lie: an allow-list of schemes, and no credentials inside a URI.

A URI of a config is written to the run's config.yaml, to Ray's list of jobs and to logs: what it holds is no secret any
more. What cannot be used is refused without repeating it.
"""

import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from reasonflux.errors import BadInput

SCHEMES = frozenset({"", "file", "local", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "hf"})
MORE = "REASONFLUX_SCHEMES"  # further schemes, with commas between
_SIGNED = re.compile(r"[?&#](x-amz-|sig=|signature=|token=|key=|password=|secret=)", re.IGNORECASE)
_ENVIRONMENT = re.compile(r"\$\{oc\.env:\s*['\"]?(\w+)")
SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|ACCESS_KEY|API_KEY|PRIVATE_KEY", re.IGNORECASE)


def check_places(places: Mapping[str, str | None]) -> None:
    """Raises `BadInput` for the first setting whose path or URI is of no allowed scheme, or holds credentials."""
    allowed = SCHEMES | {scheme for scheme in os.environ.get(MORE, "").split(",") if scheme}
    for setting, place in places.items():
        if not place or "://" not in place:
            continue
        scheme = place.split("://", 1)[0].lower()
        if scheme not in allowed:
            listed = ", ".join(sorted(allowed - {""}))
            raise BadInput(
                f"{setting}: {scheme[:40]}:// is not a place that models and data are read from",
                f"Use a path or one of {listed}; {MORE}=NAME allows another",
            )
        if holds_credentials(place):
            raise BadInput(
                f"{setting}: the {scheme}:// URI holds credentials, which the run would write down",
                "Leave them out, and give them by the environment, a role or the machine's own credentials file",
            )


def check_endpoint(setting: str, url: str) -> None:
    """Raises `BadInput` for an endpoint's URL with credentials: it stands on every completion that comes from there."""
    if holds_credentials(url):
        raise BadInput(
            f"{setting}: the URL holds credentials, which would be written down with what it answers",
            "Leave them out, and give the key in OPENAI_API_KEY",
        )


def holds_credentials(uri: str) -> bool:
    """A revision of the Hub (hf://owner/name@revision) stands in the path, where it is no credential."""
    return "@" in urlsplit(uri).netloc or _SIGNED.search(uri) is not None


def check_no_secret(text: str) -> None:
    """Raises `BadInput` where a config takes a secret out of the environment: it would be written to config.yaml."""
    for name in _ENVIRONMENT.findall(text):
        if SECRET_NAME.search(name):
            raise BadInput(
                f"the config takes {name} out of the environment, and a config is written to its run",
                "Leave it out: what needs it reads the environment itself",
            )
