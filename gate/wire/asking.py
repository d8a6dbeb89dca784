"""Questions to the API server of which none needs another's answer, asked at the same time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Together:
    """Asks the first question itself and has a few threads ask the others. Thread-safe."""

    def __init__(self, threads: int) -> None:
        self._hands = ThreadPoolExecutor(threads, thread_name_prefix="ask")

    def __call__(self, asks: Sequence[Callable[[], T]]) -> Sequence[T]:
        """The answers in the order of the questions. Raises what the first one raised that got none."""
        others = [self._hands.submit(ask) for ask in asks[1:]]
        firsts = [ask() for ask in asks[:1]]
        return [*firsts, *(other.result() for other in others)]

    def close(self) -> None:
        """Nobody may ask any more."""
        self._hands.shutdown()
