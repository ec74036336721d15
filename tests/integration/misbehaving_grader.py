"""A grader that does what its text says, for tests of what becomes of the process that runs it."""

import os
import time
from typing import NoReturn

from reasonflux.records import Verdict
from reasonflux.rewards.graders import Grader


def _die() -> NoReturn:
    time.sleep(0.2)  # so that the pool has read that this process took the item
    os._exit(3)


def misbehave(answer: str, gold: str) -> Verdict:
    if answer == "hang":
        time.sleep(600)
    elif answer == "die":
        _die()
    elif answer == "fill the memory":
        kept = []
        while True:
            kept.append(bytearray(1 << 20))
    elif answer == "ask for more memory than there is":
        bytearray(1 << 50)
    elif answer == "recurse":
        return misbehave(answer, gold)
    elif answer == "raise":
        raise ValueError("half a character: \ud800")
    elif answer.startswith("die once, "):
        try:
            os.close(os.open(answer.removeprefix("die once, "), os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return Verdict.CORRECT
        _die()
    return Verdict.CORRECT if answer == gold else Verdict.WRONG


GRADER = Grader(read=str.strip, grade=misbehave, example=("fine", "fine"))
UNSTARTABLE = Grader(read=str.strip, grade=misbehave, example=("fine", "else"))
