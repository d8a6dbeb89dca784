"""What replicas have heard for the one that leads, kept in `ConfigMap/chaos-gate-heard` in the gate's own namespace.

GitLab knows one address, and whoever answers there need not be the one that acts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gate.cluster.api import Api
from gate.cluster.said import Json
from gate.errors import Absent, Conflict
from gate.model import fingerprint

CONFIG_MAP = "chaos-gate-heard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What was heard, and when. Heard once more it is the same word, with another time."""

    text: str
    at: datetime


class Heard:
    """One key for each thing that was heard; whoever writes one writes over no other one."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self._namespace = api, namespace

    def leave(self, words: Iterable[Word]) -> None:
        """Keep these. Raises `GateError`."""
        body = {"data": {fingerprint(each.text): f"{each.at.isoformat()} {each.text}" for each in words}}
        try:
            self._patch(body)
        except Absent:
            try:
                self._api.create("configmaps", self._namespace, {"metadata": {"name": CONFIG_MAP}, **body})
            except Conflict:  # somebody was first
                self._patch(body)

    def words(self) -> Mapping[str, Word]:
        """All that are kept, by their keys; what is none is left out. Raises `GateError`."""
        found = self._api.get("configmaps", self._namespace, CONFIG_MAP) or {}
        read = {key: _word(said) for key, said in (found.get("data") or {}).items()}
        return {key: word for key, word in read.items() if word}

    def forget(self, keys: Iterable[str]) -> None:
        """Keep these no longer. Raises `GateError`."""
        self._patch({"data": dict.fromkeys(keys)})

    def _patch(self, body: Json) -> None:
        self._api.patch("configmaps", self._namespace, CONFIG_MAP, body)


def _word(said: str) -> Word | None:
    at, _, text = said.partition(" ")
    try:
        return Word(text=text, at=datetime.fromisoformat(at))
    except ValueError:
        return None
