"""Errors cross process boundaries, and say what is wrong and what to do."""

import pickle

import pytest

from reasonflux import errors
from reasonflux.errors import BadInput, Collapsed, LeaseHeld, ReasonFluxError

CLASSES = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ReasonFluxError)]


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_arrives_whole_in_another_process(kind: type[ReasonFluxError]) -> None:
    sent = kind("the bucket is gone", "Name another")
    arrived = pickle.loads(pickle.dumps(sent))
    assert type(arrived) is kind
    assert (arrived.what, arrived.remedy, str(arrived)) == (sent.what, sent.remedy, "the bucket is gone. Name another")
    assert arrived.exit_status == kind.exit_status


def test_the_message_ends_where_there_is_no_remedy() -> None:
    assert str(ReasonFluxError("the bucket is gone")) == "the bucket is gone"


def test_what_is_wrong_with_an_input_is_one_line_whatever_a_library_said_of_it() -> None:
    error = BadInput("set.parquet is not Parquet: Invalid\n  magic bytes.\n", "Mend it:\n  a list")
    assert str(error) == "set.parquet is not Parquet: Invalid magic bytes. Mend it:\n  a list"
    assert pickle.loads(pickle.dumps(error)).args == error.args


def test_a_script_can_tell_bad_input_and_a_held_lease_from_failure() -> None:
    assert BadInput.exit_status == 2
    assert LeaseHeld.exit_status == 3
    assert Collapsed.exit_status == 4
    assert {kind.exit_status for kind in CLASSES if kind not in (BadInput, LeaseHeld, Collapsed)} == {1}
