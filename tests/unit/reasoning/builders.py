"""Small records for the tests of this room."""

from reasonflux.library.load import TemplateLibrary
from reasonflux.records import Problem, SimilarProblems, Status, Step, ThoughtTemplate, Trajectory, Usage


def template(name: str) -> ThoughtTemplate:
    return ThoughtTemplate(
        id=f"id of {name}",
        name=name,
        type="method",
        original_type="Method",
        tags=(),
        description="",
        scenarios=(),
        steps=("s",),
        example="",
        chapter="c",
        section="s",
    )


def library(*names: str) -> TemplateLibrary:
    return TemplateLibrary(source="", version="", digest="", templates=tuple(map(template, names)))


def problem(name: str) -> Problem:
    return Problem(id=name, text=f"problem {name}", gold=f"gold {name}", problem_set="set")


def similar(*names: str) -> SimilarProblems:
    return SimilarProblems(id=names[0], provider="family", purity=None, problems=tuple(map(problem, names)))


def trajectory(key: str, problem_id: str, plan: str, index: int, status: Status = Status.DONE) -> Trajectory:
    return Trajectory(
        id=key,
        problem_id=problem_id,
        round=0,
        index=index,
        prompt=(),
        text=plan,
        steps=(Step(name=plan, written=plan),),
        plan=plan,
        in_library=1,
        status=status,
        failure=None,
        usage=Usage(),
    )
