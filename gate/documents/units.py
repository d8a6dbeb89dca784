"""Quantities as types of fields, for forms and for the schemas that are made from them."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from gate.quantities import DURATION, PERCENT, RATE, duration, in_words, percent, rate

__all__ = ["Duration", "Percent", "Rate", "in_words"]


def _text(pattern: re.Pattern[str], description: str, *examples: str) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "string", "pattern": f"^{pattern.pattern}$", "description": description, "examples": list(examples)}
    )


Duration = Annotated[timedelta, BeforeValidator(duration), _text(DURATION, "A time with its unit.", "400ms", "1m30s")]
Percent = Annotated[float, BeforeValidator(percent), _text(PERCENT, "A share of the whole.", "1%")]
Rate = Annotated[float, BeforeValidator(rate), _text(RATE, "How many in a second, minute or hour.", "20/s", "600/m")]
