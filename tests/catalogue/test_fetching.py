"""The thread that fetches the catalogue goes on, whatever happened, and says what did."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from gate.catalogue.subscribed import Subscribed
from gate.errors import GateError, Permanent, Temporary
from gate.running.time import SystemClock
from gate.wire.fetching import Fetching
from tests.clocks import HandClock

Eventually = Callable[[Callable[[], object]], None]


class Broken:
    """A repository, and what is known of subscriptions, that answer with an error."""

    def __init__(self, fetching: Exception | None, reading: Exception | None) -> None:
        self._fetching, self._reading = fetching, reading
        self.tries = 0

    def fetch(self) -> None:
        self.tries += 1
        if self._fetching:
            raise self._fetching

    def read(self) -> Any:
        self.tries += 1
        if self._reading:
            raise self._reading
        return {}


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
        learnt=lambda: None,
        every=timedelta(milliseconds=10),
        draw=lambda: 0.0,
        clock=clock,
    )
    thread = threading.Thread(target=fetching.run, args=(stop,))
    thread.start()
    try:
        eventually(lambda: said in fetching.problem)
        seen = broken.tries
        fetching.hurry()
        eventually(lambda: broken.tries > seen + 1)
    finally:
        stop.set()
        fetching.hurry()
        thread.join()


class Kept:
    """What is kept, and a repository of which one document was never heard."""

    def __init__(self) -> None:
        self.error: GateError | None = None

    def fetch(self) -> None:
        raise Temporary("git is away")

    def fetched(self) -> None:
        """Never."""

    def read(self, *_: object) -> Any:
        if self.error:
            raise self.error
        return {}


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def looks() -> list[None]:
    """One entry for each time that everything is to be looked at."""
    return []


@pytest.fixture
def fetching(kept: Any, looks: list[None], clock: HandClock) -> Fetching:
    return Fetching(
        kept,
        Subscribed(clock.now),
        kept,
        leads=lambda: True,
        changed=lambda _: None,
        learnt=lambda: looks.append(None),
        every=timedelta(seconds=30),
        draw=lambda: 0.0,
        clock=clock,
    )


def test_nothing_is_decided_in_a_term_before_what_is_kept_was_read_in_it(
    kept: Kept, fetching: Fetching, looks: list[None]
) -> None:
    fetching.lead(True)
    kept.error = Temporary("the API server is away")
    assert fetching.step() < timedelta(seconds=30)
    assert (fetching.may_decide, looks) == (False, [])
    kept.error = None
    with suppress(AttributeError):  # it has no catalogue to give, and git is away: that is no reason to wait
        fetching.step()
    assert (fetching.may_decide, len(looks)) == (True, 1)
    fetching.lead(False)
    assert not fetching.may_decide
    fetching.lead(True)
    assert not fetching.may_decide


def test_what_is_kept_and_cannot_be_understood_keeps_no_verdict_from_being_given(
    kept: Kept, fetching: Fetching, looks: list[None]
) -> None:
    fetching.lead(True)
    kept.error = Permanent("'soon' is no time; mend it")
    fetching.step()
    assert (fetching.may_decide, len(looks)) == (True, 1)
    assert "git is away" in fetching.problem
