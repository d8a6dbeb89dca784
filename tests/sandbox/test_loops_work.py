"""The loop behind the controllers: what breaks is said in a line, and tried again ever less often."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from gate.sandbox.kubernetes.language.errors import Conflict
from gate.sandbox.kubernetes.loops.work import BROKEN, BackOff, Work, shown

SOON = BackOff(first=0.001, longest=0.002)
PATIENCE = 30.0
KEY = ("job-controller", ("shop", "report"))


@contextmanager
def looking_at(key: object, *outcomes: Exception | None) -> Iterator[threading.Event]:
    """A loop that is asked for the key until each outcome was had; the last None is told through the event."""
    left, done = list(outcomes), threading.Event()

    def reconcile(_key: object) -> float | None:
        outcome = left.pop(0)
        if outcome is not None:
            raise outcome
        if left:
            return 0.0
        done.set()
        return None

    work: Work = Work("controllers", reconcile, broken=SOON)
    work.start()
    try:
        work.ask(key)
        yield done
    finally:
        work.stop()


def logged(caplog) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "gate.sandbox.kubernetes.loops.work"]


def test_a_key_that_breaks_is_named_as_a_person_writes_it_and_its_trace_is_logged_once(caplog):
    with looking_at(KEY, KeyError("spec"), KeyError("spec"), KeyError("spec"), None) as done:
        assert done.wait(PATIENCE)

    lines = logged(caplog)
    assert "loop=controllers key=job-controller/shop/report" in lines[0].getMessage()
    assert "KeyError('spec')" in lines[0].getMessage()
    assert [bool(line.exc_info and line.exc_info[0]) for line in lines] == [True, False, False]


def test_what_was_broken_and_is_well_again_begins_anew(caplog):
    with looking_at(KEY, KeyError("one"), KeyError("two"), None, KeyError("three"), None) as done:
        assert done.wait(PATIENCE)

    assert [line.getMessage().split("failures=")[1][0] for line in logged(caplog)] == ["1", "2", "1"]


def test_a_write_in_between_is_no_failure(caplog):
    with looking_at(KEY, Conflict("somebody else wrote"), None) as done:
        assert done.wait(PATIENCE)

    assert logged(caplog) == []


def test_one_broken_key_does_not_hold_up_the_others():
    healthy = threading.Event()

    def reconcile(key: str) -> None:
        if key == "broken":
            raise KeyError("spec")
        healthy.set()

    work: Work[str] = Work("controllers", reconcile, broken=SOON)
    work.start()
    try:
        work.ask("broken")
        work.ask("healthy")
        assert healthy.wait(PATIENCE)
    finally:
        work.stop()


def test_the_pauses_double_up_to_a_minute():
    assert [BROKEN.after(failures) for failures in (1, 2, 3, 7, 1000)] == [1, 2, 4, 60, 60]


def test_a_key_is_shown_without_the_parts_that_it_has_not():
    assert shown(("garbage-collector", ("", "node"), 7)) == "garbage-collector/node/7"
