"""What became of each thing of a foreign document. What nobody speaks of has been left out, and that is said too."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gate.documents.tree import Path, Tree, dotted
from gate.errors import BadDocument, Place

NOTHING_LIKE_IT = "there is nothing like it here"
HEAD = ("apiVersion", "kind")


class Outcome(StrEnum):
    """What became of a thing."""

    KEPT = "kept"
    DIFFERENT = "kept with a difference"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing, and what became of it."""

    place: Place
    of: str
    """The document, such as `ChaosEngine nginx-chaos`."""
    path: str
    outcome: Outcome
    why: str


class Account:
    """Of one foreign document. Each thing is spoken of once: who speaks first is right."""

    def __init__(self, tree: Tree, of: str, reasons: Mapping[str, str] | None = None, at: Place | None = None) -> None:
        """`reasons`: key -> why what stands under it is left out; `at`: where all of it stands, if it cannot say."""
        self.of = of
        self.refusals: list[BadDocument] = []
        self._tree, self._reasons, self._at = tree, reasons or {}, at
        self._said: dict[Path, Entry | None] = {}

    @property
    def root(self) -> "Part":
        return Part(self, ())

    def value(self, path: Path) -> Any:
        """What stands there; None for nothing."""
        value = self._tree.value
        for part in path:
            inside = isinstance(value, dict) if isinstance(part, str) else isinstance(value, list)
            try:
                value = value[part] if inside else None
            except LookupError:
                return None
        return value

    def place(self, path: Path) -> Place:
        return self._at or self._tree.place(path)

    def say(self, path: Path, outcome: Outcome, why: str) -> None:
        """What became of the thing and, as far as nobody speaks of them, of its parts."""
        entry = Entry(place=self.place(path), of=self.of, path=dotted(path), outcome=outcome, why=why)
        self._said.setdefault(path, entry)

    def ignore(self, path: Path) -> None:
        """It says nothing by itself."""
        self._said.setdefault(path, None)

    def refuse(self, path: Path, why: str) -> None:
        """The whole document cannot be taken."""
        self.refusals.append(BadDocument(why, place=self.place(path), path=dotted(path)))

    def entries(self) -> list[Entry]:
        """What was said, and that the rest was left out; in the order of the document."""
        entries = [entry for entry in self._said.values() if entry is not None]
        return sorted([*entries, *self._rest()], key=lambda each: (each.place.line, each.place.column))

    def _rest(self) -> Iterator[Entry]:
        spoken = {path[:length] for path in self._said for length in range(len(path) + 1)}

        def unsaid(path: Path, value: Any) -> Iterator[Entry]:
            if path in self._said or empty(value) or path[:1] in {(key,) for key in HEAD}:
                return
            if path in spoken or not path:
                for key, inner in _children(value):
                    yield from unsaid((*path, key), inner)
                return
            why = next((self._reasons[str(key)] for key in reversed(path) if key in self._reasons), NOTHING_LIKE_IT)
            yield Entry(place=self.place(path), of=self.of, path=dotted(path), outcome=Outcome.LEFT_OUT, why=why)

        return unsaid((), self._tree.value)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a foreign document, there or not, that can say what became of it."""

    account: Account
    path: Path

    def __getitem__(self, key: str | int) -> "Part":
        return Part(self.account, (*self.path, key))

    def __bool__(self) -> bool:
        """Whether anything stands there."""
        return not empty(self.value)

    @property
    def value(self) -> Any:
        return self.account.value(self.path)

    @property
    def text(self) -> str:
        """As text; empty for nothing, and for what is no scalar."""
        value = self.value
        if isinstance(value, bool):
            return str(value).lower()
        return str(value) if isinstance(value, str | int | float) else ""

    @property
    def items(self) -> Sequence["Part"]:
        """Of a list; none of anything else."""
        value = self.value
        return [self[index] for index in range(len(value))] if isinstance(value, list) else []

    def kept(self, why: str) -> None:
        self._say(Outcome.KEPT, why)

    def differs(self, why: str) -> None:
        self._say(Outcome.DIFFERENT, why)

    def left_out(self, why: str) -> None:
        self._say(Outcome.LEFT_OUT, why)

    def assumed(self, why: str) -> None:
        """What was made of it though it may not be there."""
        self.account.say(self.path, Outcome.DIFFERENT, why)

    def ignored(self) -> None:
        self.account.ignore(self.path)

    def refused(self, why: str) -> None:
        self.account.refuse(self.path, why)

    def _say(self, outcome: Outcome, why: str) -> None:
        """Nothing became of what is not there."""
        if self:
            self.account.say(self.path, outcome, why)


def empty(value: Any) -> bool:
    """Whether nothing is said there, as by `labels: {}` or `value: ''`."""
    if isinstance(value, dict | list):
        return all(empty(inner) for _, inner in _children(value))
    return value is None or value == ""


def _children(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)
