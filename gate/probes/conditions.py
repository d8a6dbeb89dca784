"""What a value must be, as authors write it: `equals`, `matches`, `atLeast`, `atMost`."""

import math
from typing import Any, Self

from pydantic import Field, FiniteFloat, model_validator

from gate.documents.blocks import Block
from gate.probes.patterns import Pattern, is_found
from gate.probes.ways import WayText, read, same

Plain = str | int | float | bool

LONGEST = 60
"""Letters of a value that are shown."""


class Bounds(Block):
    """The numbers that are good."""

    at_least: FiniteFloat | None = Field(default=None, description="The least that it must be.", examples=[1])
    at_most: FiniteFloat | None = Field(default=None, description="The most that it may be.", examples=[100])

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"atLeast {self.at_least:g} is more than atMost {self.at_most:g}")
        return self

    @property
    def bounded(self) -> bool:
        return self.at_least is not None or self.at_most is not None

    def out(self, value: Any) -> str:
        """How the value breaks them: `is 2, less than 3`; empty if it does not."""
        compared = ordered(value)
        if self.at_least is not None and not (compared is not None and compared >= self.at_least):
            return f"is {said(value)}, {'not a number' if compared is None else f'less than {self.at_least:g}'}"
        if self.at_most is not None and not (compared is not None and compared <= self.at_most):
            return f"is {said(value)}, {'not a number' if compared is None else f'more than {self.at_most:g}'}"
        return ""


class Condition(Bounds):
    """What a value must be. One that is not there is no number and equals nothing."""

    equals: Plain | None = Field(default=None, description="What it must be.", examples=[3])
    matches: Pattern | None = Field(
        default=None, description="A regular expression that is found in the text.", examples=["^ok"]
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.equals is not None and (self.bounded or self.matches is not None):
            raise ValueError("equals leaves nothing to another condition; say one of them")
        if self.matches is not None and self.bounded:
            raise ValueError("matches is for texts, atLeast and atMost are for numbers; say one of them")
        if self.equals is None and self.matches is None and not self.bounded:
            raise ValueError("says nothing; say one of equals, matches, atLeast, atMost")
        return self

    @property
    def of_number(self) -> bool:
        """Whether only numbers can hold it."""
        return self.bounded or (isinstance(self.equals, int | float) and not isinstance(self.equals, bool))

    def broken_by(self, value: Any) -> str:
        """How the value breaks it: `is Gone, not Active`; empty if it does not."""
        if self.equals is not None:
            return "" if same(value, self.equals) else f"is {said(value)}, not {said(self.equals)}"
        if self.matches is not None:
            found = isinstance(value, str) and is_found(self.matches, value)
            return "" if found else f"is {said(value)}, which does not match {self.matches}"
        return self.out(value)


class FieldCondition(Condition):
    """What the value at the end of a way must be."""

    field: WayText = Field(description="The way to it.", examples=["status.readyReplicas", "items[0].price"])

    def look(self, document: Any) -> tuple[str, float | None]:
        """What is wrong, or nothing; and the number that is there, if one is."""
        found = read(self.field).values(document)
        if len(found) != 1:
            return f"{self.field} is {'not there' if not found else f'there {len(found)} times'}", None
        why = self.broken_by(found[0])
        return f"{self.field} {why}" if why else "", finite(found[0])


def ordered(value: Any) -> float | None:
    """The number, if it is one that can be compared."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return None if math.isnan(value) else float(value)
    except OverflowError:
        return math.copysign(math.inf, value)


def finite(value: Any) -> float | None:
    """The number, if it is one that can be kept."""
    number = ordered(value)
    return None if number is None or math.isinf(number) else number


def said(value: Any) -> str:
    """The value in a message: as JSON would say it, and not for too long."""
    match value:
        case None:
            text = "null"
        case bool():
            text = str(value).lower()
        case dict():
            text = "a mapping"
        case list():
            text = "a list"
        case _:
            text = str(value)
    text = "".join(each if each.isprintable() else " " for each in text[: LONGEST + 1])
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
