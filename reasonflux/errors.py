"""Errors, flat and picklable: each says what is wrong and what to do about it.

They cross process boundaries (Ray workers, verifier children), so every argument of an error stands in `args`.
"""


class ReasonFluxError(Exception):
    """What went wrong, and the remedy. `exit_status` is what a job ends with when nobody handles the error."""

    exit_status = 1

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}. {self.remedy}" if self.remedy else self.what


class BadInput(ReasonFluxError):
    """The user's config, file or argument cannot be used; raised before any engine starts.

    What is wrong is one line, whatever a library that is quoted in it wrote; a remedy may list more below.
    """

    exit_status = 2

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(" ".join(what.split()).rstrip("."), remedy)


class StorageError(ReasonFluxError):
    """A run directory or bucket cannot be read or written, or holds something that it should not."""


class LeaseHeld(ReasonFluxError):
    """Another driver works on this run; the message names it."""

    exit_status = 3


class Incomplete(ReasonFluxError):
    """A stage ended with rows missing: expected − committed is not empty."""


class EngineError(ReasonFluxError):
    """An engine could not be started, could not be reached, or answered for another checkpoint."""


class TrainingFailed(ReasonFluxError):
    """A training ended without the steps that it should have done; its run can be started again."""


class Collapsed(ReasonFluxError):
    """A training was stopped because the model got worse by a measure that is watched; the parent is to be kept."""

    exit_status = 4


class Deadline(ReasonFluxError):
    """A wait ran out of time; the message names what was waited for."""
