"""Durations on the command line, as they are written in documents: `90s`, `45m`, `1h30m`, `500ms`."""

from datetime import timedelta

import click

from gate.quantities import duration


class Duration(click.ParamType[timedelta]):
    """A click type for a duration with units."""

    name = "duration"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The text as a timedelta; a usage error if it is none."""
        if isinstance(value, timedelta):
            return value
        try:
            return duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def spoken(time: timedelta) -> str:
    """A duration for people, in its two largest units."""
    seconds = max(time.total_seconds(), 0.0)
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 ", " ")
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"
