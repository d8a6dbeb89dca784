"""The thread that fetches the catalogue goes on, whatever happened, and says what did."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from gate.catalogue.subscribed import Subscribed
from gate.errors import Permanent
from gate.running.time import SystemClock
from gate.wire.fetching import Fetching

Eventually = Callable[[Callable[[], object]], None]


class Broken:
    """A repository, and what is known of subscriptions, that answer with an error."""

    def __init__(self, fetching: Exception | None, reading: Exception | None) -> None:
        self._fetching, self._reading = fetching, reading
        self.fetches = 0

    def fetch(self) -> None:
        self.fetches += 1
        if self._fetching:
            raise self._fetching

    def read(self) -> Any:
        if self._reading:
            raise self._reading


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (Broken(BlockingIOError(11, "Resource temporarily unavailable"), None), "Resource temporarily unavailable"),
        (Broken(None, Permanent("the ConfigMap cannot be read")), "the ConfigMap cannot be read"),
        (Broken(None, RuntimeError("a mistake")), "a mistake"),
    ],
    ids=["the machine has no process left", "what is known cannot be read", "a mistake of ours"],
)
def test_what_keeps_the_catalogue_from_being_read_is_said_and_tried_again(
    broken: Any, said: str, eventually: Eventually
) -> None:
    clock, stop = SystemClock(), threading.Event()
    fetching = Fetching(
        broken,
        Subscribed(clock.now),
        broken,
        leads=lambda: True,
        changed=lambda _: None,
        every=timedelta(milliseconds=10),
        clock=clock,
    )
    thread = threading.Thread(target=fetching.run, args=(stop,))
    thread.start()
    try:
        eventually(lambda: said in fetching.problem)
        seen = broken.fetches
        fetching.hurry()
        eventually(lambda: broken.fetches > seen)
    finally:
        stop.set()
        fetching.hurry()
        thread.join()
