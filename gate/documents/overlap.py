"""Whether two subscriptions may be about one workload, and whether they certainly are. Pure."""

from enum import Enum
from functools import lru_cache

from gate.model import Selection, Subscription, WorkloadSelector


class Overlap(Enum):
    """How much is known of it without a cluster."""

    NONE = "there is no such workload"
    MAY = "a workload may be both"
    CERTAIN = "whatever one is about, the other is about too"


def overlap(one: Subscription | Selection, other: Subscription | Selection) -> Overlap:
    """A workload that is named may have any labels: only the cluster knows."""
    if isinstance(one, Selection):
        return _of_selectors(one.selector, other.selector) if isinstance(other, Selection) else _of_a_name(other, one)
    if isinstance(other, Selection):
        return _of_a_name(one, other)
    return Overlap.CERTAIN if one.workload == other.workload else Overlap.NONE


def _of_a_name(named: Subscription, selection: Selection) -> Overlap:
    name, selector = named.workload, selection.selector
    return Overlap.MAY if selector.kind is name.kind and selector.is_about(name.namespace) else Overlap.NONE


def _of_selectors(one: WorkloadSelector, other: WorkloadSelector) -> Overlap:
    differ = any(other.labels.get(key, value) != value for key, value in one.labels.items())
    meet = any(patterns_meet(here, there) for here in one.namespaces for there in other.namespaces)
    if one.kind is not other.kind or differ or not meet:
        return Overlap.NONE
    return Overlap.CERTAIN if _within(one, other) or _within(other, one) else Overlap.MAY


def _within(narrow: WorkloadSelector, wide: WorkloadSelector) -> bool:
    """Whatever the narrow one finds, the wide one finds too."""
    labels = wide.labels.items() <= narrow.labels.items()
    return labels and all(any(contains(there, here) for there in wide.namespaces) for here in narrow.namespaces)


@lru_cache(4096)
def patterns_meet(one: str, other: str) -> bool:
    """Whether some name fits both patterns, in which `*` stands for anything and `?` for one letter."""
    if not one or not other:
        return set(one + other) <= {"*"}
    if one[0] == "*":
        return patterns_meet(one[1:], other) or patterns_meet(one, other[1:])
    if other[0] == "*":
        return patterns_meet(other, one)
    return (one[0] == other[0] or "?" in (one[0], other[0])) and patterns_meet(one[1:], other[1:])


@lru_cache(4096)
def contains(wide: str, narrow: str) -> bool:
    """Whether every name that fits the narrow pattern certainly fits the wide one."""
    if not wide or not narrow:
        return set(wide) <= {"*"} and not narrow
    if wide[0] == "*":
        return contains(wide[1:], narrow) or contains(wide, narrow[1:])
    return (wide[0] == narrow[0] or (wide[0] == "?" and narrow[0] != "*")) and contains(wide[1:], narrow[1:])
