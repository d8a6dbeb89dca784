"""Quantities as people write them: `400ms`, `1%`, `20/s`, `256Mi`. A bare number is a mistake, not a guess."""

import re
from datetime import timedelta
from typing import Any

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
DURATION = re.compile(rf"(?:{_PART.pattern})+")
PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|m|h)")
SIZE = re.compile(r"([1-9][0-9]*)(Mi|Gi)")

MOST_PER_SECOND = 100_000
MOST_MEBIBYTES = 1024 * 1024


def duration(value: Any) -> timedelta:
    """`400ms`, `20s`, `1m30s`, `2h`, `1d` -> the time they say. Raises ValueError that says how to write it."""
    if isinstance(value, timedelta):
        return value
    text = str(value).strip()
    if not isinstance(value, str) or not DURATION.fullmatch(text):
        hint = (
            f"write {text}s for seconds" if re.fullmatch(r"\d+(\.\d+)?", text) else "write it like 400ms, 20s or 1m30s"
        )
        raise ValueError(f"{text!r} is not a duration; {hint}")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if seconds > 365 * _UNITS["d"]:
        raise ValueError(f"{text!r} is more than a year")
    return timedelta(seconds=seconds)


def percent(value: Any) -> float:
    """`1%` -> 0.01. Raises ValueError that says how to write it."""
    text = str(value).strip()
    match = PERCENT.fullmatch(text) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{text!r} is not a percentage; write it like 1%")
    share = float(match[1]) / 100
    if share > 1:
        raise ValueError(f"{text!r} is more than 100%")
    return share


def whole_percent(value: Any) -> int:
    """`80%` -> 80, from 1 to 100. Raises ValueError that says how to write it."""
    exact = 100 * percent(value)
    if exact < 1 or abs(exact - round(exact)) > 1e-9:
        raise ValueError(f"{value!r} is not a whole percentage from 1% to 100%")
    return round(exact)


def rate(value: Any) -> float:
    """`20/s`, `600/m` -> how many in a second. Raises ValueError that says how to write it."""
    text = str(value).strip()
    match = RATE.fullmatch(text) if isinstance(value, str) else None
    if match is None or float(match[1]) == 0:
        raise ValueError(f"{text!r} is not a rate; write it like 20/s or 600/m")
    per_second = float(match[1]) / _UNITS[match[2]]
    if per_second > MOST_PER_SECOND:
        raise ValueError(f"{text!r} is more than {MOST_PER_SECOND}/s")
    return per_second


def mebibytes(value: Any) -> int:
    """`256Mi`, `1Gi` -> how many mebibytes. Raises ValueError that says how to write it."""
    match = SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{str(value)!r} is not a size; write it like 256Mi or 1Gi")
    size = float(match[1]) * (1024 if match[2] == "Gi" else 1)
    if size > MOST_MEBIBYTES:
        raise ValueError(f"{value!r} is more than {MOST_MEBIBYTES // 1024}Gi")
    return int(size)


def in_words(time: timedelta) -> str:
    """A time as a document would say it: `1m30s`, `1.5s`, `400ms`."""
    rest = round(time.total_seconds() * 1000)
    if 1000 < rest < 60_000:
        return f"{rest / 1000:g}s"
    words = ""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        words += f"{count}{unit}" if count else ""
    return words or "0s"
