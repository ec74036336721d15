"""The config of `jobs/train_testbed.py`: seeds, sizes, schedules, and the bias of the starting navigator."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import Field, ValidationError, model_validator

from reasonflux.config import Model
from reasonflux.errors import BadInput
from reasonflux.testbed.subjects import FAMILIES

DEFAULT_RECIPE = Path(__file__).parents[2] / "jobs" / "configs" / "train_testbed.yaml"
INTERPLAY_RECIPE = DEFAULT_RECIPE.with_name("train_testbed_interplay.yaml")
SMALL_RECIPE = DEFAULT_RECIPE.with_name("train_testbed_small.yaml")


class TokenizerRecipe(Model):
    """How the tokenizer learns its merges."""

    seed: int = 0
    problems: int = Field(gt=0)  # problems whose prompts and targets are read
    vocabulary: int = Field(ge=300)  # tokens


class TrainingRecipe(Model):
    """Schedule of one model's training; see `training.Schedule`."""

    seed: int
    steps: int = Field(gt=0)
    decay_from: int = Field(ge=0)  # step from which the learning rate falls linearly to zero
    batch: int = Field(gt=0)  # samples
    learning_rate: float = Field(gt=0)
    matrix_learning_rate: float = Field(gt=0)


class ModelRecipe(TrainingRecipe):
    """Shape and schedule of a model that is trained from scratch; see `training.Shape`."""

    width: int = Field(gt=0)
    layers: int = Field(gt=0)
    heads: int = Field(gt=0)
    feed_forward: int = Field(gt=0)


class Shares(Model):
    """Share of each kind of sample; solving without a plan gets as much as solving with the right one."""

    right_plan: float = Field(ge=0, le=1)
    wrong_plan: float = Field(ge=0, le=1)
    no_plan: float = Field(ge=0, le=1)
    drill: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _fair(self) -> "Shares":
        if abs(self.right_plan + self.wrong_plan + self.no_plan + self.drill - 1) > 1e-6:
            raise ValueError("the shares must add up to 1")
        if self.no_plan != self.right_plan:
            raise ValueError("no_plan and right_plan must have equal shares, or the comparison is unfair")
        return self


class ReasonerRecipe(ModelRecipe):
    """What the reasoner's training is mixed of."""

    shares: Shares


class BiasRecipe(Model):
    """The designed bias of the demonstrations; see `demonstrations.Bias`. The rest are corrupted plans."""

    families: tuple[str, ...]  # whose most frequent demonstration is their tempting wrong plan
    tempting: float = Field(ge=0, le=1)
    right_biased: float = Field(ge=0, le=1)
    right: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _known(self) -> "BiasRecipe":
        wrong = [name for name in self.families if name not in FAMILIES or FAMILIES[name].held_out]
        if wrong:
            raise ValueError(f"not a trained family: {', '.join(wrong)}")
        if self.tempting + self.right_biased > 1:
            raise ValueError("tempting and right_biased must not exceed 1 together")
        return self


class NavigatorRecipe(ModelRecipe):
    """Structure tuning and imperfect demonstrations."""

    structure: float = Field(ge=0, le=1)  # share of samples that describe a template
    demonstrations: int = Field(gt=0)
    bias: BiasRecipe


class EvaluationRecipe(Model):
    """What the figures are measured on: problems of the final split that training never saw."""

    seed: int
    problems: int = Field(ge=500)  # distinct problems for each figure
    held_out: int = Field(gt=0)  # problems of held-out families and wordings
    similar: int = Field(4, gt=0)  # size of X_sim
    max_tokens_plan: int = Field(96, gt=0)
    max_tokens_solution: int = Field(128, gt=0)


class Recipe(Model):
    """The whole config."""

    tokenizer: TokenizerRecipe
    reasoner: ReasonerRecipe
    navigator: NavigatorRecipe
    evaluation: EvaluationRecipe
    threads: int = Field(1, gt=0)


class JudgingRecipe(TrainingRecipe):
    """The interplay's navigator: the starting navigator, trained further with plans to judge among its samples."""

    judgements: float = Field(ge=0, le=1)  # share of them; the rest are the starting navigator's own samples


class YardstickRecipe(ModelRecipe):
    """The small solver whose failure rate is the difficulty of a problem."""

    drill: float = Field(ge=0, le=1)  # share of arithmetic; the rest are worked solutions without a plan


class InterplayRecipe(Model):
    """The config of `jobs/train_testbed.py --interplay`; what it starts from is the committed navigator's."""

    navigator: JudgingRecipe
    yardstick: YardstickRecipe
    evaluation: EvaluationRecipe
    threads: int = Field(1, gt=0)


class SmallReasonerRecipe(TrainingRecipe):
    """The second reasoner: the yardstick, trained further with the reasoner's mixture."""

    shares: Shares


class SmallRecipe(Model):
    """The config of `jobs/train_testbed.py --small`; what it starts from is the committed yardstick."""

    reasoner: SmallReasonerRecipe
    evaluation: EvaluationRecipe
    threads: int = Field(1, gt=0)


AnyRecipe = TypeVar("AnyRecipe", Recipe, InterplayRecipe, SmallRecipe)


def load_recipe(path: Path = DEFAULT_RECIPE) -> Recipe:
    """Read the recipe of the two models. Raises `BadInput` with the first thing that is wrong."""
    return _load(path, Recipe)


def load_interplay_recipe(path: Path = INTERPLAY_RECIPE) -> InterplayRecipe:
    """Read the recipe of the interplay's models. Raises `BadInput` with the first thing that is wrong."""
    return _load(path, InterplayRecipe)


def load_small_recipe(path: Path = SMALL_RECIPE) -> SmallRecipe:
    """Read the recipe of the second reasoner. Raises `BadInput` with the first thing that is wrong."""
    return _load(path, SmallRecipe)


def _load(path: Path, kind: type[AnyRecipe]) -> AnyRecipe:
    try:
        return kind.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise BadInput(f"there is no recipe {path}", "Name a YAML file like jobs/configs/train_testbed.yaml") from error
    except yaml.YAMLError as error:
        raise BadInput(f"{path} is not YAML: {error}", "Mend the file") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{path}: {where or 'recipe'}: {first['msg']}", "Mend this field") from error
