"""Where the parts of a subscription stand, after it has become a value without its tree."""

from gate.documents.tree import Path, Tree
from gate.errors import Place
from gate.model import Subscription

Positions = dict[Path, tuple[int, int]]
DEEPEST = len(("spec", "workflows", 0, "parameters", "delay"))


def positions(tree: Tree) -> Positions:
    """Line and column of what messages may be about."""
    return {path: (place.line, place.column) for path, place in tree.places.items() if len(path) <= DEEPEST}


def place_of(subscription: Subscription, path: Path) -> Place:
    """Where the part stands; of one that is left out, what is around it."""
    file, _, line = subscription.place.rpartition(":")
    while path and path not in subscription.positions:
        path = path[:-1]
    at, column = subscription.positions.get(path, (int(line), 1))
    return Place(file=file, line=at, column=column)
