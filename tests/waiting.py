"""How often to look whether something has come to hold."""

from collections.abc import Iterator

FIRST, LONGEST = 0.005, 0.1
GROWTH = 1.4


def pauses() -> Iterator[float]:
    """Seconds between two looks: ever more, so that who waits long leaves the processors to what he waits for."""
    pause = FIRST
    while True:
        yield pause
        pause = min(pause * GROWTH, LONGEST)
