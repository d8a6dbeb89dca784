"""YAML as plain values that remember where they stand. Read as YAML 1.2 reads it: `on` and `no` are words.

PyYAML parses; only what its 1.1 rules would make of a scalar is replaced, because a key `on:` is no boolean to anybody.
Size and depth are bounded while it parses: what is too large costs nobody minutes or memory.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from gate.documents.traps import date, trap
from gate.errors import BadDocument, Place

MOST_NODES = 20_000
"""Values in one document, also those that aliases make."""
MOST_DOCUMENTS = 1000
"""Documents in one file."""
MOST_VALUES = 50_000
"""Values in one file."""
LONGEST = 65_536
"""Letters of one value."""
MOST_LETTERS = 1_000_000
"""Letters of all values in one document, also those that aliases make."""
DEEPEST = 40
_TOO_LARGE = f"too large: at most {MOST_NODES} values, nested {DEEPEST} deep"

Path = tuple[str | int, ...]

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Its events are taken, nothing else; the one in C, which most installations have, is ten times as fast."""
_MARKER = re.compile(r"---(\s|$)")
_EMPTY = re.compile(r"\s*(#.*)?$|%")
"""A line that says nothing: blank, a comment or a directive."""
_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """One document: its value, and the place of every part of it."""

    value: Any
    places: Mapping[Path, Place]
    problems: tuple[BadDocument, ...] = field(default=())
    written: Mapping[Path, str] = field(default_factory=dict)
    """Numbers that do not look like what was written, `1.10` is 1.1; and dates, which stay what was written."""

    def place(self, path: Path) -> Place:
        """Where the part stands; of one that is missing, where it should."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]

    def at(self, path: Path) -> Any:
        """The value of a part that there is."""
        value = self.value
        for part in path:
            value = value[part]
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Illegible:
    """A document that is no YAML, as it was written."""

    text: str
    problem: BadDocument


def trees(text: str, file: str) -> Iterator[Tree | Illegible]:
    """The documents of a file, each read by itself: one that is no YAML does not hide those after it."""
    values = 0
    for number, (line, part) in enumerate(_documents(text)):
        if number >= MOST_DOCUMENTS or values > MOST_VALUES:
            why = f"at most {MOST_DOCUMENTS} documents, and {MOST_VALUES} values, in a file"
            yield Illegible(text=part, problem=BadDocument(why, place=Place(file=file, line=line + 1)))
            return
        if strange := _unprintable(part, file, line):
            yield Illegible(text=part, problem=strange)
            continue
        try:
            # A document may end with `...`, so that another one follows without `---`.
            for node in _Composer(part).nodes():
                tree = _Reading(file, line).tree(node)
                values += len(tree.places)
                yield tree
        except BadDocument as problem:
            yield Illegible(text=part, problem=problem)
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            yield Illegible(text=part, problem=_problem(error, part, file, line))


def _documents(text: str) -> Iterator[tuple[int, str]]:
    """The parts between lines that begin with `---`, which no scalar may hold; each with the number of lines before."""
    first, part, begun = 0, list[str](), False
    for number, line in enumerate(text.splitlines(keepends=True)):
        marker = _MARKER.match(line) is not None
        if marker and begun:
            yield first, "".join(part)
            first, part = number, []
        part.append(line)
        begun = begun or marker or _EMPTY.match(line) is None
    yield first, "".join(part)


def _problem(error: Exception, part: str, file: str, line: int) -> BadDocument:
    """The error of the library with its place and in our words."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        place = _place(file, mark, line) if mark else Place(file=file, line=line + 1)
        why = " ".join(each for each in (error.context, error.problem) if each)
        return BadDocument(f"this cannot be read as YAML: {why}{_hint(part, mark, error.context)}", place=place)
    return BadDocument(f"this cannot be read as YAML: {error}", place=Place(file=file, line=line + 1))


def _hint(part: str, mark: Any, context: str | None) -> str:
    """What an author most likely did, where that can be seen."""
    lines = part.splitlines()
    written = lines[mark.line] if mark and mark.line < len(lines) else ""
    if "\t" in written[: len(written) - len(written.lstrip())]:
        return "; the line begins with a tab, and YAML indents with spaces"
    if context and "block" in context:
        return "; is this line indented like those beside it?"
    return ""


def _unprintable(text: str, file: str, line: int) -> BadDocument | None:
    """The first character that YAML does not allow."""
    found = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if found is None:
        return None
    before = text[: found.start()]
    place = Place(file=file, line=line + before.count("\n") + 1, column=found.start() - before.rfind("\n"))
    return BadDocument(f"the character U+{ord(found[0]):04X} may not stand in YAML", place=place)


class _Composer:
    """Nodes from the parser's events, within bounds; a node has no tag unless it was written, `!` for quoted text."""

    def __init__(self, text: str) -> None:
        self._events: Any = _Parser(text)
        self._anchors: dict[str, yaml.Node] = {}
        self._open: list[str] = []
        """Anchors of what is not whole yet."""
        self._nodes = self._depth = 0

    def nodes(self) -> Iterator[yaml.Node]:
        """The roots of the documents that hold anything."""
        while not isinstance(event := self._events.get_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors.clear()
                node = self._node()
                if not (isinstance(node, yaml.ScalarNode) and not node.value and not node.tag):
                    yield node

    def _node(self) -> yaml.Node:
        event = self._events.get_event()
        mark: Any = event.start_mark
        self._nodes += 1
        if self._nodes > MOST_NODES or self._depth > DEEPEST:
            raise yaml.MarkedYAMLError(problem=_TOO_LARGE, problem_mark=mark)
        if isinstance(event, yaml.ScalarEvent) and len(event.value) > LONGEST:
            raise yaml.MarkedYAMLError(problem=f"too long: at most {LONGEST} letters in a value", problem_mark=mark)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                why = f"*{event.anchor} refers to nothing: there is no &{event.anchor} before it"
                raise yaml.MarkedYAMLError(problem=why, problem_mark=mark)
            if event.anchor in self._open:
                why = f"*{event.anchor} refers to what it stands in, which would never end"
                raise yaml.MarkedYAMLError(problem=why, problem_mark=mark)
            return self._anchors[event.anchor]
        node = self._begun(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
            self._open.append(event.anchor)
        self._depth += 1
        if isinstance(node, yaml.MappingNode):
            while not isinstance(self._events.peek_event(), yaml.MappingEndEvent):
                node.value.append((self._node(), self._node()))
            self._events.get_event()
        elif isinstance(node, yaml.SequenceNode):
            while not isinstance(self._events.peek_event(), yaml.SequenceEndEvent):
                node.value.append(self._node())
            self._events.get_event()
        self._depth -= 1
        if event.anchor is not None:
            self._open.pop()
        return node

    @staticmethod
    def _begun(event: Any) -> yaml.Node:
        """The node that the event begins; its parts come after it."""
        tag = event.tag if event.tag not in {None, "!"} else ""
        mark: Any = event.start_mark
        if isinstance(event, yaml.ScalarEvent):
            quoted = not tag and not event.implicit[0]
            return yaml.ScalarNode("!" if quoted else tag, event.value, mark)
        kind = yaml.MappingNode if isinstance(event, yaml.MappingStartEvent) else yaml.SequenceNode
        return kind(tag, [], mark)


def _place(file: str, mark: Any, line: int) -> Place:
    return Place(file=file, line=line + mark.line + 1, column=mark.column + 1)


class _Reading:
    """The nodes of one document turned into values; counts them, since aliases can make few lines very many nodes."""

    def __init__(self, file: str, line: int) -> None:
        self._file = file
        self._line = line
        self._places: dict[Path, Place] = {}
        self._problems: list[BadDocument] = []
        self._written: dict[Path, str] = {}
        self._nodes = self._letters = 0

    def tree(self, node: yaml.Node) -> Tree:
        value = self._value(node, ())
        return Tree(value=value, places=self._places, problems=tuple(self._problems), written=self._written)

    def _value(self, node: yaml.Node, path: Path) -> Any:
        place = _place(self._file, node.start_mark, self._line)
        self._places.setdefault(path, place)
        self._nodes += 1
        self._letters += len(node.value) if isinstance(node, yaml.ScalarNode) else 0
        if self._letters > MOST_LETTERS:
            raise BadDocument(f"the document is too large: at most {MOST_LETTERS} letters", place=place)
        if self._nodes > MOST_NODES or len(path) > DEEPEST:
            raise BadDocument(f"the document is {_TOO_LARGE}", place=place)
        if node.tag not in {"", "!"}:
            self._problems.append(
                BadDocument(f"the tag {node.tag} means nothing here; leave it out", place=place, path=dotted(path))
            )
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._plain(str(node.value), path) if node.tag == "" else str(node.value)

    def _plain(self, text: str, path: Path) -> Any:
        value = plain(text)
        if why := trap(text):
            self._problems.append(BadDocument(why, place=self._places[path], path=dotted(path)))
        elif date(text) or (isinstance(value, int | float) and not isinstance(value, bool) and str(value) != text):
            self._written[path] = text
        return value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else ""
            place = _place(self._file, key_node.start_mark, self._line)
            if not key:
                self._problems.append(BadDocument("a key must be a word", place=place, path=dotted(path)))
            elif key in found:
                why = f"{key!r} stands here twice, first in line {self._places[(*path, key)].line}"
                self._problems.append(BadDocument(why, place=place, path=dotted(path)))
            else:
                if key_node.tag == "" and (why := trap(key) or date(key)):
                    self._problems.append(BadDocument(why, place=place, path=dotted((*path, key))))
                self._places[(*path, key)] = place
                found[key] = self._value(value_node, (*path, key))
        return found


def plain(text: str) -> Any:
    """What an unquoted scalar means by the core schema of YAML 1.2."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    if _INT.fullmatch(text) and len(text) < 20:
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def dotted(path: Path) -> str:
    """`spec.steps[0].hold`"""
    words = ""
    for part in path:
        words += f"[{part}]" if isinstance(part, int) else f".{part}" if words else part
    return words
