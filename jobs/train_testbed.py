"""Train the testbed's reasoner and navigator from scratch, measure them, and write both with their manifests.

    python jobs/train_testbed.py --work DIRECTORY [--recipe FILE] [--out DIRECTORY]

About 75 minutes on one core. A run that was stopped goes on from its last checkpoint in DIRECTORY.
"""

import argparse
import sys
from pathlib import Path

from reasonflux.errors import ReasonFluxError
from reasonflux.testbed.recipe import DEFAULT_RECIPE, load_recipe


def main(arguments: list[str]) -> int:
    """Run the job; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", type=Path, default=DEFAULT_RECIPE)
    parser.add_argument("--work", type=Path, required=True, help="where checkpoints of unfinished training are kept")
    parser.add_argument("--out", type=Path, help="where the models go; the testbed's own by default")
    chosen = parser.parse_args(arguments)
    try:
        recipe = load_recipe(chosen.recipe)
        from reasonflux.testbed.building import MODELS, build  # loads torch; not before the recipe has been read

        command = f"python jobs/train_testbed.py --recipe jobs/configs/{chosen.recipe.name} --work DIRECTORY"
        manifests = build(recipe, chosen.work, chosen.out or MODELS, command, lambda line: print(line, flush=True))
    except ReasonFluxError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_status
    for role, manifest in manifests.items():
        print(f"{role} {manifest['weights_sha256'][:12]}")
        for name, value in manifest["figures"].items():
            if isinstance(value, dict) and "mean" in value:
                print(f"  {name:28} {value['mean']:.3f} [{value['low']:.3f}, {value['high']:.3f}]  n = {value['n']}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
