"""Records survive Arrow and Parquet unchanged; their columns are what readers outside expect."""

import dataclasses
import io
import types
from typing import Any, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reasonflux import records
from reasonflux.arrow import from_table, schema_of, to_table
from reasonflux.records import Message, Pair, Problem, Usage

RECORDS: list[Any] = [kind for kind in vars(records).values() if dataclasses.is_dataclass(kind)]
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=8),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
}


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Any value that a field of this annotation may hold."""
    if get_origin(hint) is types.UnionType:
        return st.one_of(*(st.none() if arm is type(None) else values(arm) for arm in get_args(hint)))
    if get_origin(hint) is tuple:
        return st.lists(values(get_args(hint)[0]), max_size=2).map(tuple)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return st.builds(hint, **{name: values(field) for name, field in get_type_hints(hint).items()})
    return SCALARS[hint]


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_rows_survive_parquet(kind: type, data: st.DataObject) -> None:
    rows = data.draw(st.lists(values(kind), max_size=3))
    file = io.BytesIO()
    pq.write_table(to_table(kind, rows), file)
    table = pq.read_table(file)
    assert table.schema.equals(schema_of(kind))
    assert from_table(kind, table) == rows


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_no_rows_have_the_same_columns_as_some(kind: type) -> None:
    assert to_table(kind, []).schema == schema_of(kind)


def test_only_optional_fields_may_be_null() -> None:
    schema = schema_of(Problem)
    assert [field.name for field in schema if field.nullable] == ["family", "phrasing", "level"]


def test_a_pair_opens_with_what_trl_reads() -> None:
    schema = schema_of(Pair)
    assert schema.names[:3] == ["prompt", "chosen", "rejected"]
    message = pa.struct(
        [pa.field("role", pa.string(), nullable=False), pa.field("content", pa.string(), nullable=False)]
    )
    assert schema.types[:3] == [pa.list_(message)] * 3


def test_a_value_of_another_type_is_refused() -> None:
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError)):
        to_table(Usage, [Usage(prompt_tokens="many")])  # type: ignore[arg-type]
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError)):
        to_table(Message, [Message(role="user", content=3)])  # type: ignore[arg-type]


def test_a_column_that_the_record_lacks_is_refused() -> None:
    table = to_table(Message, [Message(role="user", content="x")]).append_column("extra", pa.array([1]))
    with pytest.raises(TypeError, match="extra"):
        from_table(Message, table)


def test_records_are_frozen_and_take_keywords_only() -> None:
    for kind in RECORDS:
        assert kind.__dataclass_params__.frozen
        assert all(field.kw_only for field in dataclasses.fields(kind))
