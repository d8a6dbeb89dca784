"""An API server in this process: the sandbox's store and REST rules, without a connection in between."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from gate.sandbox.kubernetes.api.answers import Answer
from gate.sandbox.kubernetes.api.rest import Api
from gate.sandbox.kubernetes.controllers.definitions import CustomResources, key_of, load, rows
from gate.sandbox.kubernetes.language.errors import ApiError, NotFound
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.registry.resources import CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES
from gate.sandbox.kubernetes.registry.routes import Request, target
from gate.sandbox.kubernetes.store.changes import Change
from gate.sandbox.kubernetes.store.store import Store

NAMESPACE = "shop"
CRDS = sorted((Path(__file__).parents[3] / "charts" / "chaos-gate" / "crds").glob("*.yaml"))


class Server:
    """Holds the objects. Parts of the cluster use `store` and what is about it, the gate `answer` and `events`."""

    def __init__(self, now: Callable[[], datetime], random: Random) -> None:
        self.now = now
        self.store = Store(clock=now, random=random)
        CustomResources(self.store).attach()
        for (group, plural), served in _custom().items():
            self.store.registry.replace_custom(group, plural, served)
        self._api = Api(self.store, wall=now)
        self.store.create(NAMESPACES, {"metadata": {"name": NAMESPACE}})
        self.gates, self.runs = self._custom_row("chaosgates"), self._custom_row("chaosruns")

    def answer(self, method: str, path: str, query: Mapping[str, str], media: str, body: bytes) -> tuple[int, bytes]:
        """Serve a request; the status and the body."""
        request = Request(method=method, path=path, query=query, headers={"content-type": media}, body=body)
        answer = self._api.answer(request)
        assert isinstance(answer, Answer)
        return answer.status, answer.body

    def events(self, path: str, since: int) -> list[bytes]:
        """The lines of a watch from a version on, with a bookmark at their end; one ERROR if that is too long ago."""
        about = target(Request(method="GET", path=path, query={"watch": "true"}, headers={}), self.store.registry)
        assert about is not None
        try:
            watch = self.store.subscribe([about.resource], since=since)
        except ApiError as error:
            return [_line("ERROR", json.dumps(error.as_status()).encode())]
        with watch:
            changes = []
            while watch.caught_up() is None:
                changes.append(watch.next())
        bookmark = {"metadata": {"resourceVersion": str(self.store.revision)}}
        lines = [_line(change.type.value, change.entry.encoded) for change in changes if change]
        return [*lines, _line("BOOKMARK", json.dumps(bookmark).encode())]

    def all(self, resource: Resource) -> list[Object]:
        """Every object of a kind, to be read only."""
        return [entry.shared for entry in self.store.entries(resource, NAMESPACE)[0]]

    def find(self, resource: Resource, name: str) -> Object | None:
        """One object, to be read only."""
        try:
            return self.store.entry(resource, NAMESPACE, name).shared
        except NotFound:
            return None

    def change(self, resource: Resource, name: str, function: Callable[[Object], Any], subresource: str = "") -> None:
        """Change an object in place, as one of the cluster's own parts would."""

        def changed(present: Object) -> Object:
            function(present)
            return present

        self.store.patch(resource, NAMESPACE, name, changed, subresource or None)

    def observe(self, resource: Resource, observer: Callable[[Change], None]) -> None:
        self.store.observe(resource, observer)

    def _custom_row(self, plural: str) -> Resource:
        found = self.store.registry.find("chaosgate.dev", "v1alpha1", plural)
        assert found is not None
        return found


def _line(kind: str, body: bytes) -> bytes:
    return b'{"type":"' + kind.encode() + b'","object":' + body + b"}\n"


@cache
def _custom() -> dict[tuple[str, str], tuple[Resource, ...]]:
    """The rows of our custom resources: compiled once, because a schema takes longer than a whole history."""
    store = Store()
    CustomResources(store).attach()
    for path in CRDS:
        load(store, path)
    return {key_of(entry.shared): rows(entry.shared) for entry in store.entries(CUSTOM_RESOURCE_DEFINITIONS)[0]}
