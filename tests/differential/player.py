"""A script of requests, and the player that asks them of a ground and writes down what came back."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import requests

from tests.grounds import Ground

PATIENCE = 60.0
"""Seconds that a state may take to come about, such as the end of a dependent."""
PAUSE = 0.03

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
"""What holds a definition until its objects are gone."""

HEADERS = ("Content-Type", "Warning", "Retry-After")
"""What clients act on."""

Expected: TypeAlias = Mapping[str, Any]
"""Values by dotted path; `code` is the status code of the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request.

    `${kept:metadata.uid}` in its path, query and body is what the answer that was kept under that name has there,
    `${kept[0]:...}` what the first of them has; `${ns}` is the namespace of the script.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    """Sent as JSON; bytes are sent as they are."""
    media: str = "application/json"
    accept: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    kept: str = ""
    """Under which name later requests find the answer, if it is a success or has the code that was waited for."""
    expected: Expected | None = None
    """Ask again until the answer has these values."""
    settled: bool = False
    """Ask again until the controller of the object, if there is one, has seen its newest generation (of a Job: it;
    of a definition: serves it)."""
    shown: tuple[str, ...] | None = None
    """The dotted paths that are compared; None: the whole answer."""
    events: int | None = None
    """How many events of a watch are read, bookmarks not counted; None: until the server ends it."""

    def keep(self, name: str) -> "Ask":
        return replace(self, kept=name)

    def until(self, **values: Any) -> "Ask":
        """Dots are written as double underscores: ``status__phase="Running"``."""
        return replace(self, expected={path.replace("__", "."): value for path, value in values.items()})

    def settle(self) -> "Ask":
        return replace(self, settled=True)

    def show(self, *paths: str) -> "Ask":
        return replace(self, shown=paths)

    def roughly(self) -> "Ask":
        """Compare only what programs act on, where the words are those of a parser."""
        return self.show("kind", "status", "reason", "details.kind", "details.name", "details.causes.0.field")

    def take(self, events: int) -> "Ask":
        return replace(self, events=events)

    def by(self, user: str, group: str = "") -> "Ask":
        """As somebody else, whom the administrator impersonates."""
        told = {"Impersonate-User": user, **({"Impersonate-Group": group} if group else {})}
        return replace(self, headers=told)

    def accepting(self, form: str) -> "Ask":
        return replace(self, accept=form)

    def __str__(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.query.items())
        body = "" if self.body is None else f" {self.body!r}"
        who = "".join(f" as {name}" for name in self.headers.values())
        return f"{self.method} {self.path}{'?' if query else ''}{query}{body}{who}"


Script: TypeAlias = tuple[Ask, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a server answered, as far as a client can act on it."""

    code: int
    headers: Mapping[str, str]
    body: Any
    """JSON, text, or the list of a watch's events."""


def play(script: Script, ground: Ground, namespace: str) -> list[Reply]:
    """The answers, one for each request. AssertionError if a state that a request waits for does not come about."""
    kept: dict[str, list[Any]] = {}
    replies = []
    for ask in script:
        reply = _awaited(_resolved(ask, kept, namespace), ground)
        if ask.kept and (reply.code < 300 or "code" in (ask.expected or {})):
            kept.setdefault(ask.kept, []).append(reply.body)
        replies.append(reply)
    return replies


def value_at(body: Any, path: str) -> Any:
    """The value at a dotted path, where a number is a place in a list; None if there is none."""
    for part in path.split("."):
        if isinstance(body, list) and part.isdecimal():
            body = body[int(part)] if int(part) < len(body) else None
        else:
            body = body.get(part) if isinstance(body, dict) else None
    return body


def _awaited(ask: Ask, ground: Ground) -> Reply:
    deadline = time.monotonic() + PATIENCE
    while True:
        reply = _asked(ask, ground)
        if _is_as_expected(ask, reply):
            return reply
        assert time.monotonic() < deadline, f"{ground.name}: {ask} did not come to {ask.expected}: {reply}"
        time.sleep(PAUSE)


def _is_as_expected(ask: Ask, reply: Reply) -> bool:
    if reply.code == 429 and value_at(reply.body, "message") == "storage is (re)initializing":
        return False  # a real server that has just come up, and says so
    if ask.settled and reply.code == 200 and value_at(reply.body, "kind") == "Job":
        return bool(value_at(reply.body, "status.conditions"))
    if ask.settled and reply.code == 200 and value_at(reply.body, "kind") == "CustomResourceDefinition":
        return _is_served_or_gone(reply.body)
    if ask.settled and reply.code == 200:
        return bool(value_at(reply.body, "status.observedGeneration") == value_at(reply.body, "metadata.generation"))
    return all(_has(reply, path, value) for path, value in (ask.expected or {}).items())


def _is_served_or_gone(definition: Any) -> bool:
    """It has the names that it asks for, and its kinds are served; or, if somebody still holds a definition that is
    going, its objects are gone."""
    if value_at(definition, "status.acceptedNames") != value_at(definition, "spec.names"):
        return False
    if value_at(definition, "metadata.deletionTimestamp"):
        return CLEANUP not in (value_at(definition, "metadata.finalizers") or ())
    conditions = value_at(definition, "status.conditions") or ()
    return {"NamesAccepted", "Established"} <= {each["type"] for each in conditions if each["status"] == "True"}


def _has(reply: Reply, path: str, value: Any) -> bool:
    return bool((reply.code if path == "code" else value_at(reply.body, path)) == value)


def _asked(ask: Ask, ground: Ground) -> Reply:
    watching = ask.query.get("watch") in ("1", "true")
    headers = {**ask.headers, **({"Accept": ask.accept} if ask.accept else {})}
    with ground.ask(
        ask.method, ask.path, ask.body, media=ask.media, headers=headers, params=dict(ask.query), stream=watching
    ) as response:
        body = _events(response, ask.events) if watching and response.status_code == 200 else _read(response)
        told = {name: response.headers[name] for name in HEADERS if name in response.headers}
        return Reply(code=response.status_code, headers=told, body=body)


def _read(response: requests.Response) -> Any:
    if response.headers.get("Content-Type", "").startswith("application/json"):
        return response.json()
    return response.text


def _events(response: requests.Response, wanted: int | None) -> list[Any]:
    events: list[Any] = []
    for line in response.iter_lines(chunk_size=1):
        events.append(json.loads(line))
        if wanted is not None and sum(event["type"] != "BOOKMARK" for event in events) >= wanted:
            break
    return events


_REFERENCE = re.compile(r"\$\{(?P<name>[\w/]+)(?:\[(?P<index>\d+)\])?:(?P<path>[\w.]+)\}")

NOWHERE = "1"
"""What a reference to nothing is: as a version, one that was long ago."""


def _resolved(ask: Ask, kept: Mapping[str, list[Any]], namespace: str) -> Ask:
    def value(found: re.Match[str]) -> Any:
        bodies = kept.get(found["name"])
        body = bodies[int(found["index"] or -1)] if bodies else None
        there = value_at(body, found["path"])
        return NOWHERE if there is None else there

    def fill(part: Any) -> Any:
        if isinstance(part, dict):
            return {fill(key): fill(each) for key, each in part.items()}
        if isinstance(part, list):
            return [fill(each) for each in part]
        if not isinstance(part, str):
            return part
        part = part.replace("${ns}", namespace)
        whole = _REFERENCE.fullmatch(part)
        return value(whole) if whole else _REFERENCE.sub(lambda found: str(value(found)), part)

    return replace(
        ask, path=fill(ask.path), query=fill(dict(ask.query)), body=fill(ask.body), headers=fill(dict(ask.headers))
    )
