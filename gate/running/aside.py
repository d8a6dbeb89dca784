"""Waiting only so long for work that nothing can interrupt: a name that is looked up, a library's call."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from typing import TypeVar

from gate.errors import Temporary
from gate.quantities import in_words
from gate.running.hands import Hands

T = TypeVar("T")

MOST = 20
"""Pieces of work that may go on at once. Where so many do not end, one more would not either."""


class Aside:
    """Does work on threads of its own, so that nobody has to wait longer for it than he wants. Thread-safe.

    Work that takes longer goes on, unheard. Its threads hold no process back.
    """

    def __init__(self, what: str, most: int = MOST) -> None:
        """`what` names the work in errors: `the look-up of checkout.shop`."""
        self._what = what
        self._places = threading.Semaphore(most)
        self._hands = Hands("aside", most)

    def begin(self, work: Callable[[], T]) -> "Future[T]":
        """What the work will give or raise; it cannot be cancelled. Raises `Temporary` when there is no place."""
        if not self._places.acquire(blocking=False):
            raise Temporary(f"{self._what} is not begun: those before it have not ended yet")
        outcome: Future[T] = Future()
        outcome.set_running_or_notify_cancel()
        try:
            self._hands.do(lambda: self._work(work, outcome))
        except RuntimeError as error:
            self._places.release()
            raise Temporary(f"{self._what} is not begun: {error}") from error
        return outcome

    def wait_for(self, work: Callable[[], T], seconds: float) -> T:
        """What the work gives. Raises what it raises, and `Temporary` when it takes longer or there is no place."""
        outcome = self.begin(work)
        try:
            return outcome.result(max(0.0, seconds))
        except TimeoutError as error:
            if outcome.done():  # just now, or the work raised it
                return outcome.result()
            raise Temporary(f"{self._what} did not end within {in_words(timedelta(seconds=seconds))}") from error

    def _work(self, work: Callable[[], T], outcome: "Future[T]") -> None:
        try:
            outcome.set_result(work())
        except Exception as error:  # noqa: BLE001 - none is lost: it is raised where the outcome is waited for
            outcome.set_exception(error)
        finally:
            self._places.release()
