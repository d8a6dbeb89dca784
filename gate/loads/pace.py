"""When each request of a load is due. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Stretch:
    """A rate for some time; without a time, for ever."""

    rate: float
    lasting: timedelta | None = None


class Pace:
    """Stretches one after the other; the last one never ends."""

    def __init__(self, stretches: Sequence[Stretch]) -> None:
        self._stretches = stretches

    def due(self, number: int) -> float:
        """Seconds from the beginning at which that request is due; the first one has the number 0.

        No request is lost where the rate changes: one that was half due is due when the new rate has done the rest.
        """
        begins, left = 0.0, float(number)
        for stretch in self._stretches:
            if stretch.lasting is None or left < stretch.rate * stretch.lasting.total_seconds():
                break
            begins += stretch.lasting.total_seconds()
            left -= stretch.rate * stretch.lasting.total_seconds()
        return begins + left / stretch.rate
