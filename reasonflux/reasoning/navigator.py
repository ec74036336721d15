"""The navigator: trajectories for problems (reference rows T2 and I1; v2's template proposer).

`expand_draws` makes the work items, `plan` does them: one row in, one row out, failures included.
"""

from collections.abc import Iterable, Mapping, Sequence

from reasonflux.config import SamplingConfig
from reasonflux.identity import digest, seed_of
from reasonflux.library.resolve import Resolver
from reasonflux.protocols import Completion, Generate, Outcome, Request
from reasonflux.reasoning.parsing import parse_plan
from reasonflux.reasoning.plans import plan_text, resolve_step
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Draw, Failure, Message, Problem, Status, Trajectory

STAGE = "trajectories"
PROMPT = "navigator"


def expand_draws(
    problems: Iterable[Problem], config: SamplingConfig, round_number: int, identity: Mapping[str, str]
) -> list[Draw]:
    """`config.trajectories` draws a problem, each with the id of the trajectory that will come of it.

    `identity`: digests of all else that determines the work, by name: the navigator's checkpoint, the prompt set, the
    template library. More trajectories a problem keep the ids of the first ones; a new round draws anew.

    A seed leaves `identity` out: two checkpoints draw with common random numbers, and a gate tells the difference
    between them from less noise.
    """
    sampling = config.navigator.model_dump(mode="json")
    draws = []
    for problem in problems:
        for index in range(config.trajectories):
            work = (problem.id, problem.text, sampling, config.plan_format, round_number, index)
            draw_id = digest(PROMPT, dict(identity), *work)
            seed = seed_of(digest(PROMPT, problem.id, round_number, index))
            draws.append(Draw(id=draw_id, problem=problem, round=round_number, index=index, seed=seed))
    return draws


async def plan(
    draws: Sequence[Draw],
    generate: Generate,
    prompts: PromptSet,
    resolver: Resolver,
    config: SamplingConfig,
    checkpoint: str | None = None,
) -> list[Trajectory]:
    """One trajectory for each draw, in order; one that could not be made has status `failed` and says why.

    An answer that was cut off is a plan if a step can be read in it. Free plans are not bound to the library.
    `checkpoint`: digest of the navigator that must answer; None takes any.
    """
    requests = [
        Request(
            id=draw.id,
            messages=prompts.render(PROMPT, problem=draw.problem),
            sampling=config.navigator,
            seed=draw.seed,
            checkpoint=checkpoint,
        )
        for draw in draws
    ]
    completions = await generate(requests)
    return [
        _trajectory(draw, request.messages, completion, resolver, config)
        for draw, request, completion in zip(draws, requests, completions, strict=True)
    ]


def _trajectory(
    draw: Draw, prompt: tuple[Message, ...], completion: Completion, resolver: Resolver, config: SamplingConfig
) -> Trajectory:
    written = parse_plan(completion.text, config.plan_format) if completion.answered else ()
    resolved = [resolve_step(step, resolver) for step in written]
    steps = tuple(step for step, _ in resolved)
    return Trajectory(
        id=draw.id,
        problem_id=draw.problem.id,
        round=draw.round,
        index=draw.index,
        prompt=prompt,
        text=completion.text,
        steps=steps,
        plan=plan_text(steps),
        in_library=sum(exact for _, exact in resolved),
        status=Status.DONE if steps else Status.FAILED,
        failure=None if steps else _failure(completion),
        usage=completion.usage,
    )


def _failure(completion: Completion) -> Failure:
    """Why there is no plan: no answer, an answer cut off before its first step, or one without a step."""
    if not completion.answered:
        return Failure(stage=STAGE, error=completion.outcome, message=completion.message)
    if completion.outcome is Outcome.TRUNCATED:
        return Failure(stage=STAGE, error=completion.outcome, message="cut off before a step of the plan was written")
    return Failure(stage=STAGE, error="unreadable_plan", message="the answer holds no list of steps")
