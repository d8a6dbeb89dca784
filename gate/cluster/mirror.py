"""A local copy of one resource: listed once, then followed by watch, listed again whenever the thread is lost."""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Generic, TypeVar

from gate.cluster.api import Api, Form
from gate.cluster.said import EventType, Expired, Json, Silent
from gate.errors import Absent, GateError

log = logging.getLogger(__name__)

T = TypeVar("T")
Key = tuple[str, str]
"""Namespace and name."""

LIST_AFTER = timedelta(minutes=5)
"""After about so long everything is listed again, and what differs is called for. Should an event ever be lost, nothing
waits for longer than this, with its jitter.
"""
JITTER = 0.2
"""By which share it may be shorter or longer, so that neither replicas nor resources come as one."""
COMPARE_AFTER = timedelta(minutes=30)
"""After so long everything is called for, whether it changed or not: for what was lost behind the copy."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
ABSENT_FOR = 10.0
"""Seconds after which a resource that the server does not know is asked for again."""


def _nothing(*_: object) -> None:
    """Nobody wants to hear of it."""


class Mirror(Generic[T]):
    """What the server holds of one resource, as far as `keep` keeps it; `changed` hears of each key that may differ.

    An event is only a hint: whoever is called compares what is with what should be. So a re-list simply calls for every
    key that came, went or has another resourceVersion.
    """

    def __init__(
        self,
        api: Api,
        resource: str,
        namespace: str,
        keep: Callable[[Json], T],
        changed: Callable[[Key], None],
        *,
        form: Form = Form.WHOLE,
        optional: bool = False,
        essence: Callable[[T], object] | None = None,
        heard: Callable[[], None] = _nothing,
        watched: Form | None = None,
        shown: Callable[[Key, Json], None] = _nothing,
        monotonic: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """`keep` gets each object in this `form`, or in that in which it is `watched`. `shown` gets what an event says
        of it, before `changed` hears. A resource that is `optional` may be unknown to the server.

        `essence` is what counts of an object: of an event that changes nothing of that, `changed` does not hear;
        `heard` hears of each.

        `monotonic` is a clock in seconds, `draw` gives the jitter from 0 to 1.
        """
        self._api, self._resource, self._namespace, self._keep, self._changed = api, resource, namespace, keep, changed
        self._essence, self._heard_one, self._watched, self._shown = essence, heard, watched or form, shown
        self._form, self._optional, self._monotonic, self._draw = form, optional, monotonic, draw
        self._version, self._compared, self._pause = "", monotonic(), FIRST_PAUSE
        self._list_at = monotonic()
        self._lock = threading.Lock()
        self._objects: dict[Key, tuple[str, T]] = {}
        self.synced = threading.Event()
        """Set while the copy is whole and a watch follows it."""
        self.filled = False
        """Whether the copy has ever been whole. One that has not says nothing about what is not there."""
        self.problem = ""
        """Why it is not whole and followed, in one sentence."""
        self.resource, self.namespace = resource, namespace
        self.lists = 0
        """How often it was listed."""
        self._heard: float | None = None

    @property
    def lag(self) -> timedelta | None:
        """Since the server was last heard, be it a bookmark; None if it never was."""
        return None if self._heard is None else timedelta(seconds=self._monotonic() - self._heard)

    def get(self, key: Key) -> T | None:
        with self._lock:
            found = self._objects.get(key)
        return found[1] if found else None

    def all(self) -> list[T]:
        with self._lock:
            return [kept for _, kept in self._objects.values()]

    def items(self) -> list[tuple[Key, T]]:
        with self._lock:
            return [(key, kept) for key, (_, kept) in self._objects.items()]

    def run(self, stop: threading.Event) -> None:
        """Follow the server until told to stop."""
        while not stop.is_set():
            try:
                pause = self.step(stop.is_set)
            except Exception as error:  # a mistake of ours must not end the only thread that hears of this resource
                log.exception("watch.lost resource=%s", self._resource)
                self.synced.clear()
                self.problem, self._version, pause = f"{type(error).__name__}: {error}", "", LONGEST_PAUSE
            stop.wait(pause)

    def step(self, stopped: Callable[[], bool] = lambda: False) -> float:
        """List where that is needed, and follow one watch to its end; returns the seconds until the next step."""
        try:
            if self._monotonic() >= self._list_at:
                self._version = ""
            self._version = self._version or self._list()
            self.problem = ""
            self._whole()
            lasted = self._follow(stopped)
        except Expired:
            self._version = ""
            return FIRST_PAUSE
        except Silent as error:  # what was heard is still true; if nobody is there, the next watch says so
            log.info("watch.silent resource=%s why=%r", self._resource, str(error))
            return FIRST_PAUSE
        except Absent as error:
            self._version = ""
            self._absent(str(error))
            return ABSENT_FOR
        except GateError as error:
            self.synced.clear()
            self.problem, self._version = str(error), ""
            # With jitter, so that replicas do not come as one.
            pause, self._pause = self._pause * (0.5 + self._draw()), min(self._pause * 2, LONGEST_PAUSE)
            log.warning("watch.lost resource=%s retry_in=%.1fs why=%r", self._resource, pause, self.problem)
            return pause
        self._pause = FIRST_PAUSE
        # A server that ends every watch at once must not be asked in a tight loop.
        return 0.0 if lasted >= 1 else FIRST_PAUSE

    def _absent(self, why: str) -> None:
        """The server does not know the resource. It may come: somebody may be installing it."""
        if self._optional:
            self._call(self._replace({}).keys())
            self._whole()
        else:
            self.synced.clear()
        self.problem = "" if self._optional else why

    def _whole(self) -> None:
        self.filled = True
        self.synced.set()

    def _is_to_compare(self) -> bool:
        return self._monotonic() - self._compared > COMPARE_AFTER.total_seconds()

    def _list(self) -> str:
        began, all_of_them = self._monotonic(), self._is_to_compare()
        fresh: dict[Key, tuple[str, T]] = {}
        version = ""
        for items, at in self._api.pages(self._resource, self._namespace, form=self._form):
            fresh |= {_key(item): self._kept(item, anew=all_of_them) for item in items}
            version = at
            del items  # before the next page comes
        before = self._replace(fresh)
        self._call(
            key
            for key in before.keys() | fresh.keys()
            if all_of_them or before.get(key, ("",))[0] != fresh.get(key, ("",))[0]
        )
        if all_of_them:
            self._compared = began
        self._heard = self._monotonic()
        self._list_at = began + LIST_AFTER.total_seconds() * (1 + JITTER * (2 * self._draw() - 1))
        self.lists += 1
        return version

    def _kept(self, item: Json, *, anew: bool) -> tuple[str, T]:
        """What is known already, as most of what is listed is, need not be read again."""
        version: str = item["metadata"]["resourceVersion"]
        known = None if anew else self._objects.get(_key(item))
        return known if known and known[0] == version else (version, self._keep(item))

    def _replace(self, fresh: dict[Key, tuple[str, T]]) -> dict[Key, tuple[str, T]]:
        """Returns what was known before."""
        with self._lock:
            before, self._objects = self._objects, fresh
        return before

    def _follow(self, stopped: Callable[[], bool]) -> float:
        """Take in one watch; returns for how many seconds it lasted."""
        began, since = self._monotonic(), self._version
        lasting = timedelta(seconds=max(1.0, self._list_at - began))
        for event in self._api.watch(self._resource, self._namespace, since, lasting=lasting, form=self._watched):
            if stopped():
                break
            self._version = event.object["metadata"]["resourceVersion"]
            self._heard = self._monotonic()
            if event.type is EventType.BOOKMARK:
                continue
            key = _key(event.object)
            after = None if event.type is EventType.DELETED else (self._version, self._keep(event.object))
            with self._lock:
                before = self._objects.pop(key, None)
                if after:
                    self._objects[key] = after
            if after:
                self._shown(key, event.object)
            if self._differ(before, after):
                self._call([key])
            self._heard_one()
        return self._monotonic() - began

    def _differ(self, before: tuple[str, T] | None, after: tuple[str, T] | None) -> bool:
        if self._essence is None or before is None or after is None:
            return True
        return self._essence(before[1]) != self._essence(after[1])

    def _call(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._changed(key)


def _key(item: Json) -> Key:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]
