"""The engines of one run: started when a stage first needs one, taken over from a killed driver, deleted at the end."""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from reasonflux.config import EngineSpec
from reasonflux.distributed.engines import deploy_all, running, stats, undeploy
from reasonflux.identity import digest

logger = logging.getLogger(__name__)

Deploy = Callable[..., None]  # `engines.deploy_all`, or what stands in for it in a simulation


@dataclass(kw_only=True)
class RunEngines:
    """Applications by role. A context manager: whatever it started or took over is deleted when it ends.

    A driver that is killed leaves its applications running. Their names hold the run, the spec and the checkpoint, so
    that the next driver of the run knows them as its own and goes on with them.
    """

    run: str
    specs: Mapping[str, EngineSpec]  # by role; one role when navigator and reasoner are the same model
    checkpoints: Mapping[str, str]  # digest by role
    rows_per_call: int
    deploy: Deploy = deploy_all
    served: dict[str, dict[str, int]] = field(default_factory=dict, init=False)  # by application, when it was deleted
    _started: set[str] = field(default_factory=set, init=False)

    def ready(self, role: str, others: tuple[str, ...] = ()) -> str:
        """The application that serves `role`, running; `others` are roles to start beside it, since start-up is slow.

        Raises `EngineError` and `Deadline` as `deploy_all` does.
        """
        name = self.name(role)
        wanted = {self.name(each): each for each in (role, *others)}
        missing = {app: self._spec(each) for app, each in wanted.items() if app not in self._started}
        there = running(missing)
        for app in there:
            logger.info("engine %s runs already: taken over", app)
        starting = {app: spec for app, spec in missing.items() if app not in there}
        self._started |= set(missing)
        if starting:
            logger.info("starting engines: %s", ", ".join(starting))
            digests = {app: self.checkpoints[self._role(each)] for app, each in wanted.items() if app in starting}
            self.deploy(starting, checkpoints=digests, rows_per_call=self.rows_per_call)
        return name

    def name(self, role: str) -> str:
        """The application's name: run, role, and a digest of what it serves."""
        role = self._role(role)
        served = digest(self.specs[role].model_dump(mode="json"), self.checkpoints[role])
        return f"{self.run}-{role}-{served[:8]}"

    def stop(self, keep: Collection[str] = ()) -> None:
        """Deletes the applications that this driver started or took over, but for those of the roles in `keep`."""
        kept = {self.name(role) for role in keep}
        names = sorted(self._started - kept)
        self._started &= kept
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

    def _spec(self, role: str) -> EngineSpec:
        return self.specs[self._role(role)]
