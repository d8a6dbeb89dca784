"""How many pods each ReplicaSet of a Deployment may have next; pure, with the rounding of the real controller."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from gate.sandbox.kubernetes.language.objects import Object, lookup, name_of

MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How far a rolling update may leave the wanted number of pods."""

    wanted: int
    surge: int
    unavailable: int

    @classmethod
    def of(cls, deployment: Object) -> Self:
        """Surge rounds up, unavailable rounds down; with both zero nothing would move, so one pod may be missing."""
        wanted = deployment["spec"]["replicas"]
        if is_recreate(deployment):
            return cls(wanted=wanted, surge=0, unavailable=0)
        rolling = lookup(deployment, "spec.strategy.rollingUpdate", {})
        surge = _scaled(rolling.get("maxSurge", 0), wanted, math.ceil)
        unavailable = _scaled(rolling.get("maxUnavailable", 0), wanted, math.floor)
        if surge == unavailable == 0:
            unavailable = 1
        return cls(wanted=wanted, surge=surge, unavailable=min(unavailable, wanted))

    @property
    def maximum(self) -> int:
        return self.wanted + self.surge

    @property
    def minimum(self) -> int:
        """How many pods have to be available."""
        return self.wanted - self.unavailable


def is_recreate(deployment: Object) -> bool:
    return bool(lookup(deployment, "spec.strategy.type") == "Recreate")


def size(replica_set: Object) -> int:
    return int(replica_set["spec"]["replicas"])


def available(replica_set: Object) -> int:
    return int(lookup(replica_set, "status.availableReplicas", 0))


def total(replica_sets: Iterable[Object]) -> int:
    return sum(map(size, replica_sets))


def grown(deployment: Object, everybody: Sequence[Object], new_size: int) -> int:
    """The size of the new ReplicaSet: as much as the surge leaves room for, up to what is wanted."""
    bounds = Bounds.of(deployment)
    if is_recreate(deployment):
        return bounds.wanted
    room = bounds.maximum - total(everybody)
    if room <= 0:
        return new_size
    return new_size + min(room, bounds.wanted - new_size)


def shrunk(deployment: Object, new: Object, old: Sequence[Object]) -> dict[str, int]:
    """The sizes, by name, of the old ReplicaSets that may shrink now: first by useless pods, then by available ones.

    None may while one of them still reports pods that it has to give up already: they would be given up twice. (The
    real controller fails in that case, "got invalid request to scale down", and looks again.)
    """
    bounds = Bounds.of(deployment)
    everybody = [*old, new]
    missing_new = size(new) - available(new)
    may_go = total(everybody) - bounds.minimum - missing_new
    sizes = {name_of(each): size(each) for each in old}
    if may_go <= 0 or any(available(each) > size(each) for each in old):
        return {}
    for each in old:
        useless = min(may_go, max(size(each) - available(each), 0))
        sizes[name_of(each)] -= useless
        may_go -= useless
    spare = sum(map(available, everybody)) - bounds.minimum
    for each in old:
        less = min(max(spare, 0), sizes[name_of(each)])
        sizes[name_of(each)] -= less
        spare -= less
    return {name_of(each): sizes[name_of(each)] for each in old if sizes[name_of(each)] != size(each)}


def proportional(deployment: Object, everybody: Sequence[Object]) -> dict[str, int]:
    """The sizes when a Deployment is scaled in the middle of a rollout: each ReplicaSet keeps its share.

    `everybody` is ordered from the oldest; the largest gives or takes what rounding leaves over.
    """
    bounds = Bounds.of(deployment)
    to_add = (bounds.maximum if bounds.wanted else 0) - total(everybody)
    if not to_add:
        return {}
    newest_first = to_add > 0
    by_size = sorted(reversed(everybody) if newest_first else everybody, key=size, reverse=True)
    sizes: dict[str, int] = {}
    added = 0
    for each in by_size:
        share = _share(deployment, each, bounds)
        left = to_add - added
        change = min(share, left) if to_add > 0 else max(share, left)
        sizes[name_of(each)] = size(each) + change
        added += change
    if by_size:
        largest = name_of(by_size[0])
        sizes[largest] = max(sizes[largest] + to_add - added, 0)
    return sizes


def _share(deployment: Object, replica_set: Object, bounds: Bounds) -> int:
    if not bounds.wanted:
        return -size(replica_set)
    annotation = lookup(replica_set, "metadata.annotations", {}).get(MAX_REPLICAS)
    before = int(annotation) if annotation else lookup(deployment, "status.replicas", 0)
    if not before:
        return 0
    return _rounded(size(replica_set) * bounds.maximum / before) - size(replica_set)


def _rounded(number: float) -> int:
    """Halves away from zero, as Go rounds."""
    return math.floor(number + 0.5)


def _scaled(value: int | str, wanted: int, rounded: Callable[[float], int]) -> int:
    return value if isinstance(value, int) else rounded(int(value.rstrip("%")) * wanted / 100)
