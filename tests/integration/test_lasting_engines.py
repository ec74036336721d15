"""What Serve makes of an application that is given another checkpoint; the engines are empty ones."""

import os
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from reasonflux.config import EngineSpec
from reasonflux.distributed.engines import deploy_all, engine_application, running
from reasonflux.distributed.run_engines import RunEngines
from reasonflux.errors import EngineError

pytestmark = pytest.mark.slow

REPLICAS = 2
ASK_S = 30


def engines(checkpoint: str) -> RunEngines:
    class Engine:
        """Takes checkpoints in place, but for those whose names begin with fresh; bad ones it cannot load at all."""

        def __init__(self, spec: EngineSpec, checkpoint: str) -> None:
            if checkpoint.startswith("bad") and not Path(spec.model).exists():
                raise EngineError("these are no weights")
            self._checkpoint = checkpoint

        async def reconfigure(self, user_config: Mapping[str, str]) -> None:
            if user_config["checkpoint"] == self._checkpoint:
                return
            if not user_config["checkpoint"].startswith("good"):
                raise EngineError("it takes a fresh engine")
            self._checkpoint = user_config["checkpoint"]

        async def serves(self) -> str:
            return self._checkpoint

        async def stats(self) -> dict[str, int]:
            return {"pid": os.getpid()}

    return RunEngines(
        run="lasting",
        specs={"navigator": spec_of(checkpoint)},
        checkpoints={"navigator": checkpoint},
        rows_per_call=16,
        deploy=partial(deploy_all, build=partial(engine_application, server=Engine)),
        lasting=True,
    )


def spec_of(checkpoint: str) -> EngineSpec:
    return EngineSpec(
        model=f"models/{checkpoint}", device="cpu", cpus_per_replica=0.1, replicas=REPLICAS, start_deadline_s=120
    )


def ask(name: str) -> tuple[set[str], set[int]]:
    """What all replicas serve, and their processes; the router may send many requests in a row to one of them."""
    from ray import serve

    handle: Any = serve.get_app_handle(name)
    serving: set[str] = set()
    pids: set[int] = set()
    end = time.monotonic() + ASK_S
    while len(pids) < REPLICAS and time.monotonic() < end:
        found = [(handle.serves.remote(), handle.stats.remote()) for _ in range(40)]
        serving |= {checkpoint.result(timeout_s=30) for checkpoint, _ in found}
        pids |= {stats.result(timeout_s=30)["pid"] for _, stats in found}
    return serving, pids


def test_every_replica_has_the_new_checkpoint_in_place_or_anew_and_a_killed_driver_changes_nothing(
    ray_cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = engines("good0")
    name = killed.ready("navigator")
    serving, first = ask(name)
    assert serving == {"good0"} and len(first) == REPLICAS
    killed.change("navigator", spec_of("good1"), "good1")
    assert killed.ready("navigator") == name
    assert ask(name) == ({"good1"}, first), "in place means in the same processes"

    with engines("good1") as run:  # the next driver
        assert run.ready("navigator") == name
        assert ask(name) == ({"good1"}, first)
        run.change("navigator", spec_of("fresh"), "fresh")
        assert run.ready("navigator") == name
        serving, second = ask(name)
        assert serving == {"fresh"} and not second & first, "what cannot change in place is replaced"
        bad = spec_of("bad").model_copy(update={"model": str(tmp_path / "bad")})
        run.change("navigator", bad, "bad")
        monkeypatch.setattr("reasonflux.distributed.engines.undeploy", lambda *_: None)
        with pytest.raises(EngineError, match="are no weights"):
            run.ready("navigator")
        monkeypatch.undo()  # killed before it tidied up
        assert running([name]) == set()
        run._started.clear()
        (tmp_path / "bad").touch()
    with engines("bad") as run:
        run.change("navigator", bad, "bad")
        run.ready("navigator")
        assert ask(name)[0] == {"bad"}
    assert running([name]) == set()
