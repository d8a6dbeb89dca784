"""The thread that fetches the catalogue goes on, whatever happened, and says what did."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from gate.catalogue.subscribed import Subscribed
from gate.documents.catalogue import Catalogue, NotTaken
from gate.documents.loading import Loaded, load
from gate.errors import GateError, Permanent, Temporary
from gate.model import WorkloadKind, WorkloadName
from gate.running.time import SystemClock
from gate.wire.fetching import Fetching
from tests.catalogue.conftest import NOW
from tests.clocks import HandClock
from tests.documents.test_loading import SUBSCRIPTION, WORKFLOW
from tests.documents.vocabularies import WORDS

Eventually = Callable[[Callable[[], object]], None]
CHECKOUT = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="checkout")


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


SOON = timedelta(seconds=30)


class Slow:
    """A repository that has a revision, and whose next fetch does not end until it is let go."""

    def __init__(self, *not_taken: NotTaken) -> None:
        loaded = Loaded.together(load(text.encode(), "a.yaml", WORDS) for text in (SUBSCRIPTION, WORKFLOW))
        self.catalogue = Catalogue(revision="1", fetched=NOW, loaded=loaded, vocabulary=WORDS, not_taken=not_taken)
        self.fetches, self.go_on = 0, threading.Event()
        self.go_on.set()

    def fetch(self) -> None:
        self.fetches += 1
        self.go_on.wait()

    def fetched(self) -> None:
        """Never, by another process."""

    def read(self, fetched: datetime) -> Catalogue:
        return self.catalogue


class Nothing:
    """What is kept: nothing yet, and nothing of what is saved."""

    def read(self) -> dict[str, datetime]:
        return {}

    def save(self, known: Mapping[str, datetime]) -> None:
        """As if it were kept."""


def fetched_from(repository: Any, subscribed: Subscribed, clock: Any, draw: float = 0.0) -> Fetching:
    nothing: Any = Nothing()
    return Fetching(
        repository,
        subscribed,
        nothing,
        leads=lambda: True,
        changed=lambda _: None,
        learnt=lambda: None,
        every=SOON,
        draw=lambda: draw,
        clock=clock,
    )


def test_a_fetch_that_hangs_keeps_nobody_from_deciding(eventually: Eventually) -> None:
    repository, clock, stop = Slow(), SystemClock(), threading.Event()
    subscribed = Subscribed(clock.now)
    fetching = fetched_from(repository, subscribed, clock)
    fetching.step()
    repository.go_on.clear()
    thread = threading.Thread(target=fetching.run, args=(stop,))
    thread.start()
    try:
        eventually(lambda: repository.fetches == 2)
        (claim,) = subscribed.of(CHECKOUT, {})
        assert [each.name for each in claim.workflows] == ["survives"]
        assert (subscribed.revision, fetching.fetched) == ("1", NOW)
    finally:
        stop.set()
        repository.go_on.set()
        fetching.hurry()
        thread.join()


@pytest.mark.parametrize(("draw", "seconds"), [(0.0, 30), (0.5, 27), (1.0, 24)])
def test_chance_takes_something_off_the_time_between_two_fetches(draw: float, seconds: int, clock: HandClock) -> None:
    fetching = fetched_from(Slow(), Subscribed(clock.now), clock, draw)
    assert fetching.step() == timedelta(seconds=seconds)


def test_a_revision_that_is_not_taken_is_said_beside_the_one_that_stays_in_force(clock: HandClock) -> None:
    not_taken = NotTaken(revision="2" * 40, why="the revision 2 is too large", instead="1" * 40)
    fetching = fetched_from(Slow(not_taken), Subscribed(clock.now), clock)
    fetching.step()
    assert fetching.problem == "the revision 2 is too large; 111111111111 stays in force"
