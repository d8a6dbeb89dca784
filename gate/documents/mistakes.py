"""What pydantic found wrong, said with file and line, in the words of the author, with the nearest right word."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from gate.documents.traps import rounded
from gate.documents.tree import Path, Tree, dotted
from gate.errors import BadDocument

MOST_TOLD = 100
"""Mistakes of one kind in one document; who has made more knows what to do with the others."""


def mistakes(error: ValidationError, tree: Tree, prefix: Path, form: type[BaseModel]) -> Iterator[BadDocument]:
    """One mistake for each of pydantic's, for a form that was filled from the part of the tree at `prefix`."""
    noted = {(problem.place, problem.path) for problem in tree.problems}
    for found in islice(error.errors(), MOST_TOLD):
        path = (*prefix, *(part for part in found["loc"] if part != "[key]"))
        if (tree.place(path), dotted(path)) in noted and found["type"] != "extra_forbidden":
            continue  # what was made of the value is nothing to complain about: it is a trap of YAML
        words = _fields_at(form, found["loc"][:-1])
        yield BadDocument(_why(found, words, tree.written.get(path)), place=tree.place(path), path=dotted(path))
    if (more := error.error_count() - MOST_TOLD) > 0:
        yield BadDocument(f"there are {more} more mistakes", place=tree.place(prefix), path=dotted(prefix))


def unknown(word: str, known: Iterable[str], what: str) -> str:
    """`"pod-kil" is not one of pod-kill, scale-to-zero; did you mean pod-kill?`"""
    known = list(known)
    close = difflib.get_close_matches(word, known, n=1)
    listed = ", ".join(known) if known else "none"
    return f'"{word}" is not {what} {listed}{f"; did you mean {close[0]}?" if close else ""}'


def _why(found: Mapping[str, Any], words: list[str], written: str | None) -> str:
    name, read = str(found["loc"][-1]) if found["loc"] else "", found.get("input")
    given = written or read
    say: dict[str, Callable[[], str]] = {
        "missing": lambda: "is missing",
        "extra_forbidden": lambda: unknown_field(name, words),
        "enum": lambda: unknown(str(given), re.findall("'([^']*)'", found["ctx"]["expected"]), "one of"),
        "literal_error": lambda: f'must be {found["ctx"]["expected"]}, not "{given}"',
        "string_pattern_mismatch": lambda: f'"{given}" does not look like {found["ctx"]["pattern"]}',
        "string_type": lambda: (
            f"must be text, and {rounded(written, read)}"
            if written
            else f"must be text, not {_said(given)}; put it in quotes"
        ),
        "too_short": lambda: "must not be empty",
        "string_too_short": lambda: "must not be empty",
        "model_type": lambda: f"must be a mapping, not {_said(given)}",
        "dict_type": lambda: f"must be a mapping, not {_said(given)}",
        "list_type": lambda: f"must be a list, not {_said(given)}",
        "value_error": lambda: str(found["ctx"]["error"]).replace(str(read), str(given)),
    }
    return say.get(found["type"], lambda: f"{found['msg']}, not {_said(given)}")()


def unknown_field(name: str, words: list[str]) -> str:
    """`there is no field "cuont"; did you mean count?`"""
    close = difflib.get_close_matches(name, words, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(words)}"
    return f'there is no field "{name}"; {hint}'


def _said(given: Any) -> str:
    if given is None:
        return "nothing"
    if isinstance(given, dict):
        return "a mapping"
    if isinstance(given, list):
        return "a list"
    if isinstance(given, bool):
        return f'"{given}"'.lower()
    return f'"{given}"'


def _fields_at(form: type[BaseModel], loc: Iterable[str | int]) -> list[str]:
    """The fields of the form that lies within another one, at that place."""
    for part in loc:
        fields = {field.alias or name: field for name, field in form.model_fields.items()}
        if part in fields:
            annotation = fields[str(part)].annotation
            inner = [each for each in (annotation, *_arguments(annotation)) if _is_form(each)]
            if not inner:
                return []
            form = inner[0]
    return [field.alias or name for name, field in form.model_fields.items()]


def _is_form(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _arguments(annotation: Any) -> Iterator[Any]:
    for argument in get_args(annotation):
        yield argument
        yield from _arguments(argument)
