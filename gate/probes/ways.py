"""The way to a value within a JSON document: `status.conditions[?@.type=='Ready'].status`.

A part of JSONPath (RFC 9535): names, indices, `*`, and one comparison as a filter. A leading `$.` may be left out.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator

HOW = "write it like status.readyReplicas, items[0].name or status.conditions[?@.type=='Ready'].status"

_PART = re.compile(
    r"""
    \.(?P<name>[A-Za-z_][\w-]*)
    | \['(?P<quoted>[^']*)'\] | \["(?P<doubly>[^"]*)"\]
    | \[(?P<index>-?\d{1,6})\]
    | (?P<all>\[\*\]|\.\*)
    | \[\?\s*@(?P<of>(?:\.[A-Za-z_][\w-]*)+)\s*==\s*
      (?:'(?P<text>[^']*)'|"(?P<texts>[^"]*)"|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>true|false))\s*\]
    """,
    re.VERBOSE,
)

Part = Callable[[Any], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Way:
    """A way that has been read."""

    text: str
    parts: tuple[Part, ...]

    def values(self, document: Any) -> list[Any]:
        """What is there, in order; nothing where it leads nowhere."""
        found = [document]
        for part in self.parts:
            found = [value for each in found for value in part(each)]
        return found


def read(text: str) -> Way:
    """Raises `ValueError` for what is no way."""
    rest = text.removeprefix("$") if text.startswith("$") else f".{text}" if text[:1] != "[" else text
    parts: list[Part] = []
    at = 0
    while at < len(rest):
        match = _PART.match(rest, at)
        if match is None:
            raise ValueError(f'"{text}" is no way to a value from "{rest[at:]}" on; {HOW}')
        parts.append(_part(match))
        at = match.end()
    return Way(text, tuple(parts))


def _part(match: re.Match[str]) -> Part:
    found = match.groupdict()
    if found["all"]:
        return _all
    if found["index"] is not None:
        return _at(int(found["index"]))
    if found["of"]:
        inner = read("$" + found["of"])
        return _where(inner, _literal(found))
    return _named(next(found[kind] for kind in ("name", "quoted", "doubly") if found[kind] is not None))


def _literal(found: dict[str, Any]) -> Any:
    if found["number"] is not None:
        return float(found["number"])
    if found["word"] is not None:
        return found["word"] == "true"
    return found["text"] if found["text"] is not None else found["texts"]


def _named(name: str) -> Part:
    return lambda value: [value[name]] if isinstance(value, dict) and name in value else []


def _at(index: int) -> Part:
    return lambda value: [value[index]] if isinstance(value, list) and -len(value) <= index < len(value) else []


def _all(value: Any) -> Iterable[Any]:
    match value:
        case dict():
            return value.values()
        case list():
            return value
    return []


def _where(way: Way, wanted: Any) -> Part:
    def choose(value: Any) -> Iterable[Any]:
        return [each for each in _all(value) if any(same(found, wanted) for found in way.values(each))]

    return choose


def same(one: Any, other: Any) -> bool:
    """Whether they are equal in JSON, where `true` is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _checked(text: str) -> str:
    read(text)
    return text


WayText = Annotated[str, AfterValidator(_checked)]
"""A way as an author writes it."""
