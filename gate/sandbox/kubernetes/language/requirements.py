"""The requirements of a label selector, and their text form: `app in (shop, web),tier!=front,!canary`.

The grammar, and the words of its refusals, are those of the real server.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gate.sandbox.kubernetes.language.errors import BadRequest
from gate.sandbox.kubernetes.language.metadata import LABEL_VALUE, qualified_name_faults


class Operator(StrEnum):
    IN = "in"
    NOT_IN = "notin"
    EXISTS = "exists"
    ABSENT = "!"
    GREATER = ">"
    LESS = "<"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One condition on the labels of an object."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        match self.operator:
            case Operator.EXISTS:
                return self.key in labels
            case Operator.ABSENT:
                return self.key not in labels
            case Operator.IN:
                return self.key in labels and labels[self.key] in self.values
            case Operator.NOT_IN:
                return self.key not in labels or labels[self.key] not in self.values
            case Operator.GREATER | Operator.LESS:
                return self._compares(labels.get(self.key, ""))

    def _compares(self, label: str) -> bool:
        if not _INTEGER.fullmatch(label):
            return False
        (limit,) = self.values
        return int(label) > int(limit) if self.operator is Operator.GREATER else int(label) < int(limit)

    def __str__(self) -> str:
        values = ",".join(sorted(self.values))
        match self.operator:
            case Operator.EXISTS:
                return self.key
            case Operator.ABSENT:
                return f"!{self.key}"
            case Operator.IN if len(self.values) == 1:
                return f"{self.key}={values}"
            case Operator.GREATER | Operator.LESS:
                return f"{self.key}{self.operator.value}{values}"
            case operator:
                return f"{self.key} {operator.value} ({values})"


def parse(text: str) -> tuple[Requirement, ...]:
    """The requirements in the text; BadRequest where it is none."""
    tokens = _Tokens(text)
    found: list[Requirement] = []
    while tokens.next:
        if tokens.next != "!" and not tokens.at_word:
            raise BadRequest(f"found '{tokens.next}', expected: !, identifier, or 'end of string'")
        try:
            found.append(_requirement(tokens))
        except _NoRequirementError as error:
            raise BadRequest(f"unable to parse requirement: {error}") from error
        if (after := tokens.take()) not in ("", ","):
            raise BadRequest(f"found '{after}', expected: ',' or 'end of string'")
        if after == "," and tokens.next != "!" and not tokens.at_word:
            raise BadRequest(f"found '{tokens.next}', expected: identifier after ','")
    return tuple(found)


_INTEGER = re.compile(r"[-+]?\d+")
_TOKEN = re.compile(r"\s*(!=|==|[=!(),<>]|[^\s=!(),<>]+)")
_SYMBOLS = frozenset(("!=", "==", "=", "!", "(", ")", ",", "<", ">", ""))
_OPERATORS = {
    "=": Operator.IN,
    "==": Operator.IN,
    "in": Operator.IN,
    "!=": Operator.NOT_IN,
    "notin": Operator.NOT_IN,
    ">": Operator.GREATER,
    "<": Operator.LESS,
}


class _NoRequirementError(Exception):
    """The text is none, and why."""


class _Tokens:
    """What is left of a text; "" at its end."""

    def __init__(self, text: str) -> None:
        self._left = _TOKEN.findall(text)

    @property
    def next(self) -> str:
        return self._left[0] if self._left else ""

    @property
    def at_word(self) -> bool:
        return self.next not in _SYMBOLS

    def take(self) -> str:
        return self._left.pop(0) if self._left else ""


def _requirement(tokens: _Tokens) -> Requirement:
    absent = tokens.next == "!"
    if absent:
        tokens.take()
    if not tokens.at_word:
        raise _NoRequirementError(f"found '{tokens.next}', expected: identifier")
    key = tokens.take()
    for fault in qualified_name_faults(key):
        raise _NoRequirementError(f'<nil>: Invalid value: "{key}": {fault}')
    if absent or tokens.next in ("", ","):
        return Requirement(key=key, operator=Operator.ABSENT if absent else Operator.EXISTS)
    word = tokens.take()
    if word not in _OPERATORS:
        raise _NoRequirementError(f"found '{word}', expected: in, notin, =, ==, !=, gt, lt")
    values = _values(tokens) if word in ("in", "notin") else _value(tokens)
    _check(key, _OPERATORS[word], values)
    return Requirement(key=key, operator=_OPERATORS[word], values=values)


def _value(tokens: _Tokens) -> frozenset[str]:
    if tokens.next in ("", ","):
        return frozenset(("",))
    if not tokens.at_word:
        raise _NoRequirementError(f"found '{tokens.next}', expected: identifier")
    return frozenset((tokens.take(),))


def _values(tokens: _Tokens) -> frozenset[str]:
    """The list in parentheses, where nothing is an empty value."""
    if tokens.next != "(":
        raise _NoRequirementError(f"found '{tokens.next}' expected: '('")
    tokens.take()
    values = set()
    while True:
        if not tokens.at_word and tokens.next not in (",", ")"):
            raise _NoRequirementError(f"found '{tokens.next}', expected: ',', ')' or identifier")
        values.add(tokens.take() if tokens.at_word else "")
        if tokens.next not in (",", ")"):
            raise _NoRequirementError(f"found '{tokens.next}', expected: ',' or ')'")
        if tokens.take() == ")":
            return frozenset(values)


def _check(key: str, operator: Operator, values: frozenset[str]) -> None:
    if operator in (Operator.GREATER, Operator.LESS):
        for value in values:
            if not _INTEGER.fullmatch(value):
                detail = "for 'Gt', 'Lt' operators, the value must be an integer"
                raise _NoRequirementError(f'values[0]: Invalid value: "{value}": {detail}')
    for index, value in enumerate(sorted(values)):
        for fault in LABEL_VALUE.faults(value):
            raise _NoRequirementError(f'values[{index}][{key}]: Invalid value: "{value}": {fault}')
