"""What may stand in a file of `cluster/serve/`: applications that answer over HTTP, each under a route of its own.

`jobs/deploy.py` and Serve (`serve deploy`) read the same file.
"""

from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from reasonflux.config import Autoscaling, EngineSpec, Model

Route = Annotated[str, Field(pattern=r"^/[a-z0-9][a-z0-9_-]*$")]


class HttpLimits(Model):
    """What a request over HTTP may take, and how many there may be; one too many is told when to come again (429)."""

    body_bytes: int = Field(1 << 20, gt=0)
    concurrent: int = Field(256, gt=0)  # requests in one replica, those among them that wait for its engine
    queued: int = Field(256, ge=0)  # at each proxy or other caller, while no replica takes more or the first one starts
    retry_after_s: int = Field(2, gt=0)
    drain_s: float = Field(600, gt=0)  # for what runs to end, before a replica stops or takes other weights


class EngineLimits(HttpLimits):
    """Those of an engine; a method's sampling is its own."""

    output_tokens: int | None = Field(None, gt=0)  # of one completion; None: what the model's context leaves
    completions: int = Field(256, gt=0)  # that one request asks for: n for each of its prompts


class EndpointSpec(EngineSpec):
    """One model on vLLM, called through handles and, where it has a route, by OpenAI's API."""

    http: EngineLimits = EngineLimits()


class SolverSpec(Model):
    """A method over the engines of two applications; it answers a problem as a model would answer a chat."""

    navigator: str = "navigator"  # application
    reasoner: str = "reasoner"
    prompts: str = "v1"  # a shipped set by name, which brings plan format and sampling, or a directory
    # `method` and its settings, as in a suite; empty: the set's own
    method: dict[str, Any] = Field(default_factory=dict)
    library: str | None = None  # path or URI of a library file, or "testbed"
    matcher: str | None = None  # sentence-embedding model that retrieves from it
    deadline_s: float = Field(600, gt=0)  # of one completion
    cpus_per_replica: float = Field(1.0, gt=0)
    replicas: int = Field(1, gt=0)
    autoscaling: Autoscaling | None = None  # target_sequences: problems in hand
    start_deadline_s: float = Field(120, gt=0)
    http: HttpLimits = HttpLimits()

    @model_validator(mode="after")
    def _whole(self) -> "SolverSpec":
        if self.matcher and not self.library:
            raise ValueError("a matcher needs a library")
        return self


class _Application(Model):
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")  # the model's name for clients, and serve:NAME for jobs
    route_prefix: Route | None = None  # None: not reached over HTTP


class EngineApplication(_Application):
    """An engine."""

    import_path: Literal["reasonflux.distributed.deployment:engine"]
    args: EndpointSpec


class SolverApplication(_Application):
    """A method over engines of the same file."""

    import_path: Literal["reasonflux.distributed.deployment:solver"]
    args: SolverSpec


class HttpOptions(Model):
    """Where the proxies listen; fields of Serve's own."""

    host: str = "127.0.0.1"
    port: int = Field(8000, gt=0, lt=65_536)
    request_timeout_s: float | None = Field(None, gt=0)
    keep_alive_timeout_s: int = Field(90, gt=0)
    ssl_keyfile: str | None = None
    ssl_certfile: str | None = None


class DeployJob(Model):
    """Config of `jobs/deploy.py`, and a file that `serve deploy` takes."""

    proxy_location: Literal["Disabled", "HeadOnly", "EveryNode"] = "EveryNode"
    http_options: HttpOptions = HttpOptions()
    applications: tuple[Annotated[EngineApplication | SolverApplication, Field(discriminator="import_path")], ...] = (
        Field(min_length=1)
    )

    @model_validator(mode="after")
    def _fits_together(self) -> "DeployJob":
        for what, given in (
            ("name", [each.name for each in self.applications]),
            ("route_prefix", [each.route_prefix for each in self.applications if each.route_prefix]),
        ):
            if twice := [value for value, count in Counter(given).items() if count > 1]:
                raise ValueError(f"two applications have the {what} {twice[0]}")
        engines = {each.name for each in self.applications if isinstance(each, EngineApplication)}
        for each in self.applications:
            if isinstance(each, SolverApplication):
                for role in (each.args.navigator, each.args.reasoner):
                    if role not in engines:
                        raise ValueError(f"{each.name} asks {role}, which is no engine of this file")
        return self

    @property
    def urls(self) -> dict[str, str]:
        """Base URLs of clients, by application; none where no proxy runs."""
        http = self.http_options
        scheme = "https" if http.ssl_certfile else "http"
        host = f"[{http.host}]" if ":" in http.host else http.host
        routed = () if self.proxy_location == "Disabled" else self.applications
        return {
            each.name: f"{scheme}://{host}:{http.port}{each.route_prefix}/v1" for each in routed if each.route_prefix
        }
