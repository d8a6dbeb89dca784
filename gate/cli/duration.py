"""Durations on the command line, as they are written in documents: `90s`, `45m`, `1h30m`, `500ms`."""

import re
from datetime import timedelta

import click

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = r"(\d+(?:\.\d+)?)(ms|s|m|h)"


class Duration(click.ParamType[timedelta]):
    """A click type for a duration with units."""

    name = "duration"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The text as a timedelta; a usage error if it is none."""
        if isinstance(value, timedelta):
            return value
        if not re.fullmatch(f"({_PART})+", value):
            self.fail(
                f"{value!r} is not a duration; write a number with ms, s, m or h, such as 90s or 1h30m", param, ctx
            )
        return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, value)))


def spoken(duration: timedelta) -> str:
    """A duration for people, in its two largest units."""
    seconds = max(duration.total_seconds(), 0.0)
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 ", " ")
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"
