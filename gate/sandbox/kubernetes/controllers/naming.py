"""The names of definitions: each belongs to whoever in its group had it first, and who lacks one is not served.

What the real API server's controllers decide a moment later is decided here as a definition is written; the thread
looks again at those whose names others have given up since.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from gate.sandbox.kubernetes.language.conditions import condition, is_true
from gate.sandbox.kubernetes.language.errors import NotFound
from gate.sandbox.kubernetes.language.objects import Object, lookup, name_of, timestamp
from gate.sandbox.kubernetes.loops.following import Following
from gate.sandbox.kubernetes.registry.resources import CUSTOM_RESOURCE_DEFINITIONS
from gate.sandbox.kubernetes.store.changes import Change
from gate.sandbox.kubernetes.store.store import Store

_OF_RESOURCES, _OF_KINDS = ("plural", "singular", "shortNames"), ("kind", "listKind")


class Naming:
    def __init__(self, store: Store, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._clock = clock
        self._following = Following(store, "naming", self._hear, [CUSTOM_RESOURCE_DEFINITIONS])

    def attach(self) -> None:
        """Name every definition that is written from now on."""
        self._store.admit(CUSTOM_RESOURCE_DEFINITIONS, self._admit)

    def start(self) -> None:
        self._following.start()

    def stop(self) -> None:
        self._following.stop()

    def _admit(self, new: Object, _old: Object | None) -> None:
        group = lookup(new, "spec.group")
        names = [lookup(each, "status.acceptedNames", {}) for each in self._definitions() if _group(each) == group]
        name(new, names, self._clock())

    def _hear(self, change: Change) -> None:
        """Somebody may have given up what another one wants."""
        for definition in self._definitions():
            if not is_true(definition["status"], "NamesAccepted") and _group(definition) == _group(change.entry.shared):
                self._look_again(name_of(definition))

    def _look_again(self, definition: str) -> None:
        try:
            self._store.patch(CUSTOM_RESOURCE_DEFINITIONS, "", definition, lambda present: present)
        except NotFound:
            return

    def _definitions(self) -> list[Object]:
        return [entry.shared for entry in self._store.entries(CUSTOM_RESOURCE_DEFINITIONS)[0]]


def name(definition: Object, taken: Iterable[Object], now: datetime) -> None:
    """Give the definition, in place, the names that it asks for, as far as none of `taken` has them."""
    wanted, had = definition["spec"]["names"], lookup(definition, "status.acceptedNames", {})
    if wanted == had:
        return
    status = definition["status"] = dict(definition["status"])  # it may be that of the stored one
    used = list(taken)
    accepted, refusal = dict(had), None
    for fields in (_OF_RESOURCES, _OF_KINDS):
        others = {each for names in used for field in fields for each in _names(names, field)}
        for field in fields:
            strange = [each for each in _names(wanted, field) if each not in _names(had, field) and each in others]
            if strange:
                refusal = (f"{field[0].upper()}{field[1:]}Conflict", _said(strange))
            else:
                _put(accepted, field, wanted.get(field))
    _put(accepted, "categories", wanted.get("categories"))
    status["acceptedNames"] = accepted
    _tell(status, "NamesAccepted", refusal is None, *(refusal or ("NoConflicts", "no conflicts found")), now)
    if refusal is None:
        _tell(status, "Established", True, "InitialNamesAccepted", "the initial names have been accepted", now)
    elif condition(status, "Established") is None:
        _tell(status, "Established", False, "NotAccepted", "not all names are accepted", now)


def _tell(status: Object, kind: str, holds: bool, reason: str, message: str, now: datetime) -> None:
    """Set the condition where it stands, or as the last one."""
    told = {"type": kind, "status": "True" if holds else "False", "lastTransitionTime": timestamp(now)}
    told |= {"reason": reason, "message": message}
    conditions: list[Any] = list(status.get("conditions") or ())
    before = condition(status, kind)
    if before is None:
        conditions.append(told)
    else:
        if before["status"] == told["status"]:
            told["lastTransitionTime"] = before["lastTransitionTime"]
        conditions[conditions.index(before)] = told
    status["conditions"] = conditions


def _said(names: list[str]) -> str:
    texts = [f'"{each}" is already in use' for each in names]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _names(names: Object, field: str) -> list[str]:
    found = names.get(field) or []
    return [found] if isinstance(found, str) else found


def _put(names: Object, field: str, value: Any) -> None:
    if value:
        names[field] = value
    else:
        names.pop(field, None)


def _group(definition: Object) -> str:
    return str(lookup(definition, "spec.group", ""))
