"""Words of a command that an interpreter reads as code: what a parameter gives there would be code, too. Pure."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from gate.documents.substitution import PARAMETERS, references
from gate.documents.tree import Path

_INTERPRETER = re.compile(
    r"(?:.*/)?((?:ba|da|a|k|z|fi)?sh|(?:python|perl|ruby|lua|php)[0-9.]*|node(?:js)?|deno|bun|pwsh)"
)
_CODE_FOLLOWS = re.compile(r"-[A-Za-z]*[ceErp]|--(?:command|eval|print)")
"""Options, alone or with others, after which code is: `-c`, `-euc`, `-e`, `--eval`. Too many rather than too few."""


def would_be_code(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Places in lists of words where a parameter would be read as code, with what reads it."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from would_be_code(item, (*path, key))
    elif isinstance(value, list):
        for index, interpreter in _code(value):
            if _has_parameter(value[index]):
                yield (*path, index), interpreter
        for index, item in enumerate(value):
            yield from would_be_code(item, (*path, index))


def _code(words: Sequence[Any]) -> Iterator[tuple[int, str]]:
    """Each word that may be code. After another option of an interpreter stands what that takes, or a script."""
    interpreter, follows, before = "", False, ""
    for index, word in enumerate(str(each) for each in words):
        if interpreter and word.startswith("-"):
            if _CODE_FOLLOWS.match(word):
                follows = True
                yield index, interpreter
        elif interpreter and follows:
            yield index, interpreter
            if _CODE_FOLLOWS.match(before) or not before.startswith("-"):
                interpreter, follows = "", False
        elif not before.startswith("-") or not interpreter:
            interpreter = _interpreter(word, index)
        before = word


def _interpreter(word: str, index: int) -> str:
    """Its name; a program that a parameter names may be any."""
    found = _INTERPRETER.fullmatch(word)
    if found:
        return found[1]
    return "the program" if index == 0 and _has_parameter(word) else ""


def _has_parameter(word: Any) -> bool:
    return any(name.startswith(PARAMETERS) for name in references(word))
