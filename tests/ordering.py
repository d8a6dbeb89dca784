"""Long tests begin first: one that begins last would keep everybody waiting for it, while processors are idle."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def long_first(items: Sequence[Item], is_long: Callable[[Item], bool], workers: int) -> list[Item]:
    """The same items, so that of the parts which `--dist worksteal` gives to workers some begin with the long ones.

    It cuts what was collected into parts of one size, one for each worker, and takes from the ends of these parts for
    whoever has nothing left to do. Long tests wait for most of their time. Half of the workers get none, so that those
    who wait share the processors with those who compute, and not all with each other.
    """
    long, others = [item for item in items if is_long(item)], iter([item for item in items if not is_long(item)])
    lanes = workers - workers // 2
    ordered: list[Item] = []
    for worker in range(workers):
        size = (len(items) - len(ordered)) // (workers - worker)
        mine: Iterable[Item] = long[worker::lanes] if worker < lanes else ()
        part = [*mine]
        ordered += [*part, *islice(others, max(0, size - len(part)))]
    return [*ordered, *others]
