"""One training: structure or trajectory fine-tuning, or DPO on preference pairs.

    python jobs/train.py --config jobs/configs/train/testbed_navigator_dpo.yaml --set data=runs/testbed/dataset/DIGEST

Run it again to go on with a killed one; a finished one does nothing. `--plan` prints what would run and starts nothing;
`--plan --cluster a100-8` prints where it would run there, how it lies in memory, for how long and for how much.
"""

import sys

from reasonflux.distributed.job import job_arguments, run_job
from reasonflux.distributed.train_preflight import check_training
from reasonflux.distributed.training import train
from reasonflux.evals.report.writing import leave_report
from reasonflux.storage.store import Store
from reasonflux.training.recipe import TrainingRecipe


def main() -> None:
    arguments, recipe = job_arguments(TrainingRecipe, __doc__)
    if arguments.plan:
        prepared = check_training(recipe)
        there = prepared.on(arguments.cluster) if arguments.cluster else None
        facts = prepared.to_json() | ({"cluster": there.to_json()} if there else {})
        arguments.show(facts, prepared.table(), *(there.words() if there else ()))
        return
    trained = train(recipe)
    arguments.show(trained.to_json(), *trained.words())
    leave_report(Store.at(recipe.output_root).child(recipe.name).uri)


if __name__ == "__main__":
    sys.exit(run_job(main))
