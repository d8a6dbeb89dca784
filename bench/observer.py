"""Somebody else who watches the same server: what a figure is compared with."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any, Self

import requests

from tests.grounds import Ground


class Observer:
    """A watch that notes when each event came: the same that any client would see."""

    def __init__(self, ground: Ground, path: str) -> None:
        self._ground, self._path = ground, path
        self._events: list[tuple[float, Any]] = []
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        version = self._ground.ask("GET", self._path, params={"limit": "1"}).json()["metadata"]["resourceVersion"]
        query = {"watch": "1", "resourceVersion": version, "timeoutSeconds": "1200"}
        self._session = new_session(self._ground)
        self._response = self._session.get(self._ground.url + self._path, params=query, stream=True, timeout=(10, 1200))
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """The watch ends with the control plane: closing a stream that another thread reads would block."""

    def _follow(self) -> None:
        try:
            for line in self._response.iter_lines(chunk_size=None):
                at = time.monotonic()
                with self._changed:
                    self._events.append((at, json.loads(line)["object"]))
                    self._changed.notify_all()
        except requests.RequestException:
            return  # the control plane has ended

    def wait(self, wanted: Callable[[Any], bool], within: float) -> float:
        """When the first event came that is wanted."""
        deadline, seen = time.monotonic() + within, 0
        while True:
            with self._changed:
                if len(self._events) == seen and not self._changed.wait(deadline - time.monotonic()):
                    raise SystemExit(f"an event of {self._path} that was waited for did not come")
                fresh, seen = self._events[seen:], len(self._events)
            for at, item in fresh:
                if wanted(item):
                    return at


def new_session(ground: Ground) -> requests.Session:
    made = requests.Session()
    made.trust_env, made.cert, made.verify = False, ground.session.cert, ground.session.verify
    return made


_sessions = threading.local()


def session_of(ground: Ground) -> requests.Session:
    """One connection for each thread that writes."""
    if not hasattr(_sessions, "own"):
        _sessions.own = new_session(ground)
    own: requests.Session = _sessions.own
    return own
