"""Quantities as types of fields, for forms and for the schemas that are made from them."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from gate.quantities import DURATION, PERCENT, RATE, SIZE, duration, in_words, mebibytes, percent, rate, whole_percent

__all__ = ["Duration", "Lasting", "Percent", "Rate", "WholePercent", "in_words"]


def _text(pattern: re.Pattern[str], description: str, *examples: str) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "string", "pattern": f"^{pattern.pattern}$", "description": description, "examples": list(examples)}
    )


def _lasting(time: timedelta) -> timedelta:
    if time <= timedelta(0):
        raise ValueError("must be more than 0s")
    return time


Duration = Annotated[timedelta, BeforeValidator(duration), _text(DURATION, "A time with its unit.", "400ms", "1m30s")]
Lasting = Annotated[Duration, AfterValidator(_lasting)]
Percent = Annotated[float, BeforeValidator(percent), _text(PERCENT, "A share of the whole.", "1%")]
WholePercent = Annotated[
    int, BeforeValidator(whole_percent), _text(PERCENT, "A share of the whole, in whole percents.", "80%")
]
Rate = Annotated[float, BeforeValidator(rate), _text(RATE, "How many in a second, minute or hour.", "20/s", "600/m")]
Size = Annotated[int, BeforeValidator(mebibytes), _text(SIZE, "How many bytes, counted in mebibytes.", "256Mi", "1Gi")]
