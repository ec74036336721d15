"""Records as Arrow tables and back; schemas are derived from the records' fields, which alone say what a column is."""

import dataclasses
import types
from collections.abc import Sequence
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import pyarrow as pa

from reasonflux.records import Record

_SCALARS: dict[Any, pa.DataType] = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def _arrow_type(hint: Any) -> tuple[pa.DataType, bool]:
    """Arrow type of a field's annotation, and whether it may be null."""
    if get_origin(hint) in (types.UnionType, Union):
        (inner,) = [arg for arg in get_args(hint) if arg is not type(None)]
        return _arrow_type(inner)[0], True
    if get_origin(hint) is tuple:
        return pa.list_(_arrow_type(get_args(hint)[0])[0]), False
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return pa.struct(list(schema_of(hint))), False
    return _SCALARS[hint], False


def schema_of(record: type) -> pa.Schema:
    """The Arrow schema of a record class: one column a field, nested records as structs."""
    return _schema_of(record)


@cache
def _schema_of(record: type) -> pa.Schema:
    kinds = {name: _arrow_type(hint) for name, hint in get_type_hints(record).items()}
    return pa.schema([pa.field(name, kind, nullable=nullable) for name, (kind, nullable) in kinds.items()])


def to_table(record: type[Record], rows: Sequence[Record]) -> pa.Table:
    """Rows of one record class as a table with that class's schema; raises `pa.ArrowInvalid` on a wrong type."""
    kind: Any = record
    to_plain = _conversion(kind, True)
    return pa.Table.from_pylist([to_plain(row) for row in rows], schema=schema_of(kind))


def from_table(record: type[Record], table: pa.Table) -> list[Record]:
    """The inverse of `to_table`; columns that the record lacks are refused by its constructor."""
    kind: Any = record
    revive = _conversion(kind, False)
    return [revive(row) for row in table.to_pylist()]


def from_row(record: type[Record], row: dict[str, Any]) -> Record:
    """One record out of plain values, nested records included."""
    kind: Any = record
    revived: Record = _conversion(kind, False)(row)
    return revived


@cache
def _conversion(hint: Any, to_plain: bool) -> Any:
    """A function from a value of this annotation to plain values, or back; None where both are the same.

    Made once an annotation: to look at annotations again for every value would be most of what a row costs.
    """
    if get_origin(hint) in (types.UnionType, Union):
        (arg,) = [arg for arg in get_args(hint) if arg is not type(None)]
        inner = _conversion(arg, to_plain)
        return inner and (lambda value: None if value is None else inner(value))
    if get_origin(hint) is tuple:
        item = _conversion(get_args(hint)[0], to_plain)
        if item is None:
            return None if to_plain else tuple
        return lambda values: tuple([item(value) for value in values])
    if not (dataclasses.is_dataclass(hint) and isinstance(hint, type)):
        return None
    kinds = {name: _conversion(kind, to_plain) for name, kind in get_type_hints(hint).items()}
    nested = [(name, convert) for name, convert in kinds.items() if convert]

    def convert(value: Any) -> Any:
        fields = dict(vars(value) if to_plain else value)
        for name, convert_field in nested:
            if name in fields:
                fields[name] = convert_field(fields[name])
        return fields if to_plain else hint(**fields)

    return convert
