"""Since when endpoints are not what they were: the time that they are annotated with, for whoever measures delays."""

from collections.abc import Iterable

from gate.sandbox.kubernetes.language.conditions import condition
from gate.sandbox.kubernetes.language.objects import Object, lookup, moment_of, name_of, timestamp
from gate.sandbox.kubernetes.store.changes import Key

TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"


class TriggerTimes:
    """What was seen of each Service's pods the last time: a pod's time is that of its latest step to or from Ready."""

    def __init__(self) -> None:
        self._seen: dict[Key, dict[str, str]] = {}

    def of(self, key: Key, service: Object, pods: Iterable[Object]) -> str | None:
        """The earliest time that is new since the last look; at the first look that of the Service itself."""
        times = {name_of(pod): at for pod in pods if (at := _trigger_time(pod)) is not None}
        created = service["metadata"]["creationTimestamp"]
        before = self._seen.get(key)
        self._seen[key] = times | {"": created}
        if before is None:
            return str(created)
        new = [
            moment_of(at)
            for name, at in (times | {"": created}).items()
            if name not in before or moment_of(at) > moment_of(before[name])
        ]
        return timestamp(min(new)) if new else None

    def forget(self, key: Key) -> None:
        self._seen.pop(key, None)


def _trigger_time(pod: Object) -> str | None:
    at = lookup(condition(pod.get("status") or {}, "Ready"), "lastTransitionTime")
    return None if at is None else str(at)
