"""Trainings one after the other in one driver, as rounds have them: `python -m tests.drills.trainings RECIPES.json`.

Prints one line of JSON a training: what became of it, or the error that it ended with; and what is left of them.
"""

import json
import sys
from pathlib import Path

import ray.util

from reasonflux.distributed.training import train
from reasonflux.errors import ReasonFluxError
from reasonflux.training.recipe import TrainingRecipe


def main() -> None:
    for values in json.loads(Path(sys.argv[1]).read_text()):
        try:
            print(json.dumps(train(TrainingRecipe.model_validate(values)).to_json()), flush=True)
        except ReasonFluxError as error:
            print(json.dumps({"error": type(error).__name__, "message": str(error)}), flush=True)
    groups = ray.util.placement_group_table().values()
    print(json.dumps({"placement_groups": [group["state"] for group in groups if group["state"] != "REMOVED"]}))


if __name__ == "__main__":
    main()
