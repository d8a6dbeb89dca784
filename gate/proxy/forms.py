"""Forms: JSON values into frozen dataclasses and back, told by the fields' types alone. A mistake names its path."""

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from gate.errors import Permanent
from gate.quantities import duration, in_words, percent

WHOLE = 1_000_000
"""Shares are counted in millionths, so that their sums are exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """The least and the most that a number may be."""

    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Millionths:
    """Marks an integer that people write as a percentage."""


Count = Annotated[int, Between(least=1, most=2**40)]
Share = Annotated[int, Millionths()]
Form = TypeVar("Form")


def parts_per_million(value: object, path: str) -> int:
    """`2.5%` or the bare number 2.5 -> 25,000. Raises Permanent."""
    bare = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return round(percent(f"{value:f}%" if bare else value) * WHOLE)
    except ValueError as error:
        raise Permanent(f"{path}: {error}") from error


def in_percent(share: int) -> str:
    """25,000 -> `2.5%`."""
    return f"{share * 100 / WHOLE:g}%"


def fields(form: Any) -> Mapping[str, tuple[str, Any, Any]]:
    """Of a dataclass: name in documents -> name in Python, type, default (`MISSING` where there is none)."""
    hints = typing.get_type_hints(form, include_extras=True)
    found = {}
    for each in dataclasses.fields(form):
        first, *rest = each.name.split("_")
        found[first + "".join(word.title() for word in rest)] = (each.name, hints[each.name], each.default)
    return found


def notes(kind: Any) -> tuple[Any, ...]:
    """What stands in `Annotated[...]` beside the type."""
    return tuple(kind.__metadata__) if typing.get_origin(kind) is Annotated else ()


def bare(kind: Any) -> Any:
    """The type without its notes and without `| None`."""
    if typing.get_origin(kind) is Annotated:
        return bare(kind.__origin__)
    if typing.get_origin(kind) in {types.UnionType, typing.Union}:
        return next(bare(each) for each in typing.get_args(kind) if each is not type(None))
    return kind


def inner_notes(kind: Any) -> tuple[Any, ...]:
    """The notes of the type, also where it stands beside `| None`."""
    if typing.get_origin(kind) in {types.UnionType, typing.Union}:
        return tuple(note for each in typing.get_args(kind) for note in notes(each))
    return notes(kind)


def mapping(given: object, path: str) -> Mapping[str, object]:
    """The value, if it is an object with names. Raises Permanent."""
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise Permanent(f"{path}: {given!r} is not an object")
    return given


def nearest(word: str, known: Iterable[str]) -> str:
    """`"dely" is not one of ...; did you mean delay?`"""
    names = list(known)
    close = difflib.get_close_matches(word, names, 1)
    return f'"{word}" is not one of {", ".join(names)}' + (f"; did you mean {close[0]}?" if close else "")


def read(form: type[Form], given: object, path: str) -> Form:
    """The dataclass that an object says. Raises Permanent: unknown field, missing field, wrong type, out of bounds,
    or what the form itself refuses by a ValueError.
    """
    values, known = mapping(given, path), fields(form)
    for name in values:
        if name not in known:
            raise Permanent(f"{path}.{name}: {nearest(name, known)}")
    for name, (_, _, default) in known.items():
        if default is dataclasses.MISSING and name not in values:
            raise Permanent(f"{path}.{name}: is missing")
    arguments = {known[name][0]: scalar(known[name][1], value, f"{path}.{name}") for name, value in values.items()}
    try:
        return form(**arguments)
    except ValueError as error:
        raise Permanent(f"{path}: {error}") from error


def scalar(kind: Any, value: object, path: str) -> Any:
    """One field's value. Raises Permanent."""
    beside, wanted = inner_notes(kind), bare(kind)
    if value is None and type(None) in typing.get_args(kind):
        return None
    if any(isinstance(note, Millionths) for note in beside):
        return parts_per_million(value, path)
    reader = next((note for note in beside if callable(note)), None)
    if reader:
        return reader(value, path)
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        return read(wanted, value, path)
    if wanted is timedelta:
        try:
            return duration(value)
        except ValueError as error:
            raise Permanent(f"{path}: {error}") from error
    return _plain(wanted, next((note for note in beside if isinstance(note, Between)), None), value, path)


def _plain(wanted: type, bounds: Between | None, value: object, path: str) -> Any:
    if issubclass(wanted, StrEnum):
        if value not in [str(each) for each in wanted]:
            raise Permanent(f"{path}: {nearest(str(value), map(str, wanted))}")
        return wanted(str(value))
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise Permanent(f"{path}: {value!r} is not a {'whole number' if wanted is int else 'text'}")
    if bounds and isinstance(value, int) and not bounds.least <= value <= bounds.most:
        raise Permanent(f"{path}: {value} is not from {bounds.least} to {bounds.most}")
    return value


def plain(value: object) -> Any:
    """What `read` takes and gives this value again; defaults are left out."""
    if isinstance(value, timedelta):
        return in_words(value)
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    said = {}
    for name, (inside, kind, default) in fields(type(value)).items():
        own = getattr(value, inside)
        if own != default:
            share = any(isinstance(note, Millionths) for note in inner_notes(kind))
            said[name] = in_percent(own) if share else plain(own)
    return said
