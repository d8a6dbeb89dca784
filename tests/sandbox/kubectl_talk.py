"""One kubectl that is asked the same on both grounds, and in what the two answers differ that ought not to."""

import difflib
import json
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from tests.grounds import Ground

PATIENCE = 20.0
"""Seconds after which two grounds that differ are said to differ."""
NOTHING = r"$."
"""A pattern of no line."""

_NATURAL = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<uid>"),
    (re.compile(r"(resourceVersion: |Resource Version: +)\"?\d+\"?"), r"\1<version>"),
    (re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"), "<time>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), "<ip>"),
    (
        re.compile(
            r"(?:(?<= )|^)(?:\d+(?:ms|s|m\d+s|m)|<unknown>|<invalid>)(?: \(x\d+ over \w+\))?(?= |$)", re.MULTILINE
        ),
        "<age>",
    ),
    (re.compile(r"\b(?:node-\d|sandbox)(?:/(?:<ip>)?)?(?=\s|$)", re.MULTILINE), "<node>"),
)
"""What no two servers agree on."""
_WIDTHS = ((re.compile(r" {2,}| *\t *"), "  "), (re.compile(r" +$", re.MULTILINE), ""))
"""Columns are as wide as what is in them."""

_EVENT = re.compile(r"^ *(<age> +)?(Normal|Warning) ")
"""Those of one second come in an order of chance."""

_CHARACTERS = "[bcdf-hj-np-tv-xz2-9]"
_GENERATED = re.compile(rf"(?<=-){_CHARACTERS}{{5,10}}\b|(?<=pod-template-hash[=:]){_CHARACTERS}{{8,10}}\b")
"""What servers add to names: hashes of templates, and five characters."""


def common(said: str) -> list[str]:
    """The lines without what differs by nature; generated parts of names are numbered as they appear."""
    for pattern, name in _NATURAL:
        said = pattern.sub(name, said)
    numbers: dict[str, str] = {}
    said = _GENERATED.sub(lambda found: numbers.setdefault(found[0], f"<{len(numbers)}>"), said)
    for generated, number in numbers.items():
        said = said.replace(generated, number)
    for pattern, name in _WIDTHS:
        said = pattern.sub(name, said)
    together = groupby(said.splitlines(), lambda line: bool(_EVENT.match(line)))
    return [line for are_events, lines in together for line in (sorted(lines) if are_events else lines)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What kubectl printed, on both of its outputs, and how it ended."""

    text: str
    code: int


def _lines(answer: Answer, but: str) -> list[str]:
    return [line for line in common(answer.text) if not re.search(but, line)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A program, and a namespace that both grounds have."""

    sandbox: Ground
    real: Ground
    program: str
    namespace: str

    def ask(self, *arguments: str, said: Any = None) -> tuple[Answer, Answer]:
        """The sandbox's answer and the real one's, as they are. `said` is given to kubectl as JSON."""
        with ThreadPoolExecutor(2) as both:
            ours, theirs = both.map(lambda ground: self._asked(ground, arguments, said), (self.sandbox, self.real))
        return ours, theirs

    def agree_on(self, *arguments: str, said: Any = None, but: str = NOTHING) -> str:
        """What both say; AssertionError with the difference, where there is one. Lines like `but` are left out."""
        ours, theirs = self.ask(*arguments, said=said)
        lines, expected = _lines(ours, but), _lines(theirs, but)
        assert (lines, ours.code) == (expected, theirs.code), self._difference(arguments, ours, theirs)
        return "\n".join(lines)

    def come_to_agree_on(self, *arguments: str, but: str = NOTHING) -> str:
        """The same for what is looked at while it may still change: asked again until both say the same."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.agree_on(*arguments, but=but)
            except AssertionError:
                if time.monotonic() > deadline:
                    raise

    def agree_as_far_as_it_goes(self, *arguments: str) -> list[str]:
        """The lines that the sandbox says; AssertionError, where the real one does not say each, in that order."""
        ours, theirs = self.ask(*arguments)
        lines, all_lines = common(ours.text), common(theirs.text)
        assert (lines, ours.code) == ([line for line in all_lines if line in lines], theirs.code), self._difference(
            arguments, ours, theirs
        )
        return lines

    def command(self, ground: Ground) -> Sequence[str]:
        """How each command line begins."""
        cache = ground.kubeconfig.parent / "cache"
        return (self.program, f"--kubeconfig={ground.kubeconfig}", f"--cache-dir={cache}", f"-n={self.namespace}")

    def _asked(self, ground: Ground, arguments: Sequence[str], said: Any) -> Answer:
        done = subprocess.run(
            [*self.command(ground), *arguments],
            input=None if said is None else json.dumps(said),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Answer(text=done.stdout + done.stderr, code=done.returncode)

    def _difference(self, arguments: Sequence[str], ours: Answer, theirs: Answer) -> str:
        def told() -> Iterator[str]:
            yield f"kubectl {' '.join(arguments)} ended with {ours.code}, the real one with {theirs.code}"
            yield from difflib.unified_diff(common(theirs.text), common(ours.text), "real", "sandbox", lineterm="", n=2)

        return "\n".join(told())
