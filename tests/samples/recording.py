"""What happened to some kinds in a namespace, in order, with the names of chance renamed.

A recording is read from the API server after the play: its watches tell every version since a moment, and the
resourceVersions put the kinds in one order. Renamed, so that two recordings of one play differ in as little as can be:
uids (`uid-1`), hashes and random ends of names (`hash1`, `pod1`), resourceVersions (1, 2, …), the namespace (`shop`);
times begin on 2030-01-01 and keep their distance in seconds. Left out: managedFields.
"""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from tests.control_plane import build
from tests.samples.playing import Object, Play

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BEGINNING = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One event of a watch."""

    type: str
    object: Object

    @property
    def kind(self) -> str:
        return str(self.object["kind"])


@dataclass(frozen=True, kw_only=True)
class Recording:
    says: str
    """What was played."""
    steps: list[Step]

    def to_json(self) -> str:
        """A line for each step, so that two recordings can be compared by eye."""
        lines = ",\n".join(_compact({"type": step.type, "object": step.object}) for step in self.steps)
        return f'{{"says": {json.dumps(self.says)}, "kubernetes": "{build.version()}", "steps": [\n{lines}\n]}}\n'

    @classmethod
    def from_json(cls, text: str) -> Self:
        found = json.loads(text)
        return cls(says=found["says"], steps=[Step(**step) for step in found["steps"]])


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def now(play: Play) -> str:
    """The moment that `since` begins after."""
    answer = play.ground.ask("GET", play.path("pods"))
    return str(answer.json()["metadata"]["resourceVersion"])


def since(play: Play, moment: str, *kinds: str) -> list[Step]:
    """Every step of these kinds (plurals) since the moment, renamed."""
    with ThreadPoolExecutor(len(kinds)) as watches:
        found = watches.map(lambda plural: list(_watched(play, plural, moment)), kinds)
        steps = [step for steps in found for step in steps]
    return renamed(sorted(steps, key=lambda step: int(step.object["metadata"]["resourceVersion"])))


def renamed(steps: list[Step]) -> list[Step]:
    versions = sorted({step.object["metadata"]["resourceVersion"] for step in steps}, key=int)
    names = _Names(versions={version: str(rank) for rank, version in enumerate(versions, 1)})
    for step in steps:
        names.meet(step.object)
    return [Step(type=step.type, object=names.rename(step.object)) for step in steps]


def _watched(play: Play, plural: str, moment: str) -> Iterator[Step]:
    query = {"watch": "1", "resourceVersion": moment, "timeoutSeconds": "1"}
    answer = play.ground.ask("GET", play.path(plural), params=query)
    assert answer.status_code == 200, answer.text
    for line in answer.text.splitlines():
        event = json.loads(line)
        assert event["type"] in ("ADDED", "MODIFIED", "DELETED"), event
        yield Step(type=event["type"], object=event["object"])


@dataclass(kw_only=True)
class _Names:
    """The new name of everything that has been met, in the order of meeting."""

    words: dict[str, str] = field(default_factory=dict)
    """Whole words in any text: hashes and random ends."""
    uids: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str]
    first: datetime | None = None

    def meet(self, obj: Object) -> None:
        meta = obj["metadata"]
        for time in sorted(found.group() for found in _TIME.finditer(json.dumps(obj))):
            moment = datetime.fromisoformat(time)
            self.first = moment if self.first is None else min(self.first, moment)
        self.words.setdefault(meta["namespace"], "shop")
        labels = meta.get("labels") or {}
        for key in ("pod-template-hash", "controller-revision-hash", "controller.kubernetes.io/hash"):
            if key in labels and labels[key] not in self.words:
                word = labels[key].rpartition("-")[2]
                self.words.setdefault(word, f"hash{self._count('hash') + 1}")
        prefix, owners = meta.get("generateName"), meta.get("ownerReferences") or ()
        if prefix and not any(owner["kind"] == "StatefulSet" for owner in owners):  # its pods have no names of chance
            kind = obj["kind"].lower()
            self.words.setdefault(meta["name"].removeprefix(prefix), f"{kind}{self._count(kind) + 1}")

    def rename(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            kept = {name: inner for name, inner in value.items() if name != "managedFields"}
            return {self._text(name): self.rename(inner, name) for name, inner in kept.items()}
        if isinstance(value, list):
            return [self.rename(each) for each in value]
        if not isinstance(value, str):
            return value
        if key == "resourceVersion":
            return self.versions.get(value, value)
        return self._text(value)

    def _text(self, text: str) -> str:
        text = _UID.sub(lambda found: self.uids.setdefault(found.group(), f"uid-{len(self.uids) + 1}"), text)
        text = _TIME.sub(self._time, text)
        for word, new in self.words.items():
            text = re.sub(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", new, text)
        return text

    def _time(self, found: re.Match[str]) -> str:
        moment = datetime.fromisoformat(found.group())
        assert self.first is not None
        shifted = _BEGINNING + timedelta(seconds=int((moment - self.first).total_seconds()))
        return shifted.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _count(self, kind: str) -> int:
        return sum(bool(re.fullmatch(rf"{kind}\d+", word)) for word in self.words.values())
