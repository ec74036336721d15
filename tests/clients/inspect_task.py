"""A task of inspect_ai over problems in JSON Lines, as its users write them."""

from inspect_ai import Task, task  # type: ignore[import-not-found]
from inspect_ai.dataset import FieldSpec, json_dataset  # type: ignore[import-not-found]
from inspect_ai.scorer import includes  # type: ignore[import-not-found]
from inspect_ai.solver import generate  # type: ignore[import-not-found]


@task
def problems(path: str) -> Task:
    return Task(json_dataset(path, FieldSpec(input="text", target="boxed")), solver=generate(), scorer=includes())
