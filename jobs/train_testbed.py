"""Train the testbed's models from scratch, measure them, and write each with its manifest.

    python jobs/train_testbed.py --work DIRECTORY [--interplay | --small | --navigator-seed N]
        [--recipe FILE] [--out DIRECTORY]

Without more, the reasoner and the starting navigator: about 75 minutes on one core. With --interplay, the navigator of
the interplay, which starts from the committed navigator, and the yardstick of difficulty: about 12 minutes. With
--small, a second reasoner for the studies, which starts from the committed yardstick: about 7 minutes. With
--navigator-seed, one more starting navigator, in OUT beside a copy of the committed reasoner. A run that was stopped
goes on from its last checkpoint in DIRECTORY.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from reasonflux.errors import ReasonFluxError
from reasonflux.testbed.recipe import (
    DEFAULT_RECIPE,
    INTERPLAY_RECIPE,
    SMALL_RECIPE,
    load_interplay_recipe,
    load_recipe,
    load_small_recipe,
)

RECIPES = {"": DEFAULT_RECIPE, "interplay": INTERPLAY_RECIPE, "small": SMALL_RECIPE}


def main(arguments: list[str]) -> int:
    """Run the job; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", type=Path, help="the committed one by default")
    parser.add_argument("--work", type=Path, required=True, help="where checkpoints of unfinished training are kept")
    parser.add_argument("--out", type=Path, help="where the models go; the testbed's own by default")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--interplay", dest="models", action="store_const", const="interplay", default="")
    kinds.add_argument("--small", dest="models", action="store_const", const="small")
    kinds.add_argument("--navigator-seed", type=int, metavar="N", help="train a starting navigator of this seed alone")
    chosen = parser.parse_args(arguments)
    if chosen.navigator_seed is not None and chosen.out is None:
        parser.error("--navigator-seed needs --out: the committed navigator stays")
    try:
        manifests = _build(chosen)
    except ReasonFluxError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_status
    for role, manifest in manifests.items():
        print(f"{role} {manifest['weights_sha256'][:12]}")
        for name, value in manifest["figures"].items():
            if isinstance(value, dict) and "mean" in value:
                print(f"  {name:28} {value['mean']:.3f} [{value['low']:.3f}, {value['high']:.3f}]  n = {value['n']}")
    return 0


def _build(chosen: argparse.Namespace) -> dict[str, Any]:
    """The models are built by modules that load torch; these are not imported before the recipe has been read."""
    path = chosen.recipe or RECIPES[chosen.models]
    option = f"--{chosen.models} " if chosen.models else ""
    command = f"python jobs/train_testbed.py {option}--recipe jobs/configs/{path.name} --work DIRECTORY"

    def tell(line: str) -> None:
        print(line, flush=True)

    if chosen.models == "small":
        small = load_small_recipe(path)
        from reasonflux.testbed.building import MODELS
        from reasonflux.testbed.building_small import build_small

        return build_small(small, chosen.work, chosen.out or MODELS, command, tell)
    if chosen.models == "interplay":
        interplay = load_interplay_recipe(path)
        from reasonflux.testbed.building import MODELS
        from reasonflux.testbed.building_interplay import build_interplay

        return build_interplay(interplay, chosen.work, chosen.out or MODELS, command, tell)
    recipe = load_recipe(path)
    from reasonflux.testbed.building import MODELS, build

    if chosen.navigator_seed is None:
        return build(recipe, chosen.work, chosen.out or MODELS, command, tell)
    recipe = recipe.model_copy(
        update={"navigator": recipe.navigator.model_copy(update={"seed": chosen.navigator_seed})}
    )
    command += f" --navigator-seed {chosen.navigator_seed} --out DIRECTORY"
    return build(recipe, chosen.work, chosen.out, command, tell, roles=["navigator"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
