"""The engines of one run: started when a stage first needs one, taken over from a killed driver, deleted at the end."""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from reasonflux.config import EngineSpec
from reasonflux.distributed.engines import deploy_all, running, serves, stats, undeploy
from reasonflux.errors import EngineError
from reasonflux.identity import digest

logger = logging.getLogger(__name__)

Deploy = Callable[..., None]  # `engines.deploy_all`, or what stands in for it in a simulation


@dataclass(kw_only=True)
class RunEngines:
    """Applications by role. A context manager: whatever it started or took over is deleted when it ends.

    A driver that is killed leaves its applications running. Their names hold the run, the spec and the checkpoint, so
    that the next driver of the run knows them as its own and goes on with them. `lasting` ones live on from checkpoint
    to checkpoint, and whoever borrows them says which (`change`): their names hold none, and one that runs already is
    deployed again, which changes nothing where it serves what it should.
    """

    run: str
    specs: Mapping[str, EngineSpec] = field(default_factory=dict)  # by role; one role when both are the same model
    checkpoints: Mapping[str, str] = field(default_factory=dict)  # digest by role
    rows_per_call: int
    deploy: Deploy = deploy_all
    lasting: bool = False
    served: dict[str, dict[str, int]] = field(default_factory=dict, init=False)  # by application, when it was deleted
    _started: dict[str, str] = field(default_factory=dict, init=False)  # digest by application

    def change(self, role: str, spec: EngineSpec, checkpoint: str) -> None:
        """From the next `ready` on, `role` is served by this model."""
        self.specs = {**self.specs, role: spec}
        self.checkpoints = {**self.checkpoints, role: checkpoint}

    def ready(self, role: str, others: tuple[str, ...] = ()) -> str:
        """The application that serves `role`, running; `others` are roles to start beside it, since start-up is slow.

        Raises `EngineError` and `Deadline` as `deploy_all` does.
        """
        name = self.name(role)
        wanted = {self.name(each): self._role(each) for each in (role, *others)}
        digests = {app: self.checkpoints[each] for app, each in wanted.items()}
        missing = [app for app in wanted if self._started.get(app) != digests[app]]
        there = set() if self.lasting else running(missing)
        for app in there:
            logger.info("engine %s runs already: taken over", app)
        starting = {app: self.specs[wanted[app]] for app in missing if app not in there}
        self._started |= dict.fromkeys(missing, "")  # to be deleted, whatever becomes of them
        if starting:
            logger.info("starting engines: %s", ", ".join(starting))
            new = {app: digests[app] for app in starting}
            self.deploy(starting, checkpoints=new, rows_per_call=self.rows_per_call)
            self._check(new if self.lasting else {})
        self._started |= digests
        return name

    def name(self, role: str) -> str:
        """The application's name: run, role, and a digest of what it serves, or of what outlasts a checkpoint."""
        role = self._role(role)
        model = {"model", "revision", "digest"} if self.lasting else set()
        spec = self.specs[role].model_dump(mode="json", exclude=model)
        named = digest(spec) if self.lasting else digest(spec, self.checkpoints[role])
        return f"{self.run}-{role}-{named[:8]}"

    def _check(self, expected: Mapping[str, str]) -> None:
        for app, checkpoint in expected.items():
            if (there := serves(app)) != checkpoint:
                raise EngineError(f"engine {app} serves {there}, not {checkpoint}", "Delete it with `serve shutdown`")

    def stop(self, keep: Collection[str] = ()) -> None:
        """Deletes the applications that this driver started or took over, but for those of the roles in `keep`."""
        kept = {self.name(role) for role in keep}
        names = sorted(self._started.keys() - kept)
        self._started = {app: checkpoint for app, checkpoint in self._started.items() if app in kept}
        for name in names:
            try:
                self.served[name] = stats(name)
            except Exception as error:  # a dead engine has nothing to tell, and is deleted all the same
                logger.warning("engine %s does not say what it served: %s", name, error)
        undeploy(*names)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _role(self, role: str) -> str:
        return role if role in self.specs else "navigator"
