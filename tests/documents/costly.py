"""Files of the size that a file may have, made to cost much. As a program: what reading all of them takes."""

import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from gate.documents.catalogue import Catalogue
from gate.documents.loading import LARGEST, load
from gate.documents.review import review
from gate.wire.vocabulary import vocabulary

WORDS = vocabulary()
HEAD = "apiVersion: chaosgate.dev/v1alpha1\nkind: {}\nmetadata: {{name: a}}\nspec:\n"
WORKFLOW, SUBSCRIPTION = HEAD.format("Workflow"), HEAD.format("Subscription")
STEPS = "".join(f"    - {{name: s{number}, falt: x, hodl: 1}}\n" for number in range(22))
ALIASES = "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdef", "bcdefg", strict=True)
)


def _times(unit: str, head: str = "") -> str:
    return head + unit * ((LARGEST - len(head)) // len(unit))


def _numbered(line: str, head: str, most: int) -> str:
    return head + "".join(line.format(number) for number in range(most))


COSTLY: dict[str, Callable[[], str]] = {
    "many documents with many mistakes": lambda: _times(f"{WORKFLOW}  steps:\n{STEPS}---\n"),
    "fields that there are not": lambda: _numbered("  field{}: 1\n", WORKFLOW, 9000),
    "steps with mistakes": lambda: _numbered("    - {{name: s{0}, fault: f{0}}}\n", f"{WORKFLOW}  steps:\n", 2000),
    "probes with mistakes": lambda: _numbered("    - {{htp{}: {{}}}}\n", f"{WORKFLOW}  steadyState:\n", 2200),
    "parameters": lambda: _numbered("    p{}: {{default: '${{x}}${{y}}'}}\n", f"{WORKFLOW}  parameters:\n", 4500),
    "references in one value": lambda: f"{WORKFLOW}  steps: ['{'${a}' * 200_000}']\n",
    "references in many values": lambda: _numbered("   - '${{a{}}}${{b}}${{c}}'\n", f"{WORKFLOW}  steps:\n", 18_000),
    "a long value in many places": lambda: f"a: &a {'x' * 65_000}\nb: [{'*a, ' * 19_000}]\n",
    "a long key": lambda: f"{WORKFLOW}  {'a' * 900_000}: 1\n",
    "a long time": lambda: f"{WORKFLOW}  steps: [{{name: a, fault: pod-kill, hold: {'1s' * 32_000}, recover: 1s}}]\n",
    "a long number": lambda: f"a: {'1' * 980_000}",
    "patterns": lambda: f"{SUBSCRIPTION}  workload: {{namespaces: [{', '.join(['a*b*'] * 15_000)}]}}\n",
    "aliases that multiply": lambda: f"a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n{ALIASES}",
    "nesting": lambda: _times("{a: "),
    "tabs": lambda: _times("\t\n"),
    "brackets": lambda: _times("[\n"),
    "a block of text": lambda: _times("  x\n", "a: |\n"),
    "what is no YAML in many documents": lambda: _times("kind: [\n---\n"),
}


def read(text: str) -> int:
    """Read and review it as a catalogue of its own; returns how many mistakes were told."""
    return read_bytes(text.encode())


def read_bytes(data: bytes) -> int:
    """The same of what may be no text."""
    loaded = load(data, "a.yaml", WORDS)
    catalogue = Catalogue(revision="", fetched=datetime.now(UTC), loaded=loaded, vocabulary=WORDS)
    for each in catalogue.loaded.subscriptions:
        catalogue.resolve(each)
    return len(review(catalogue))


def most_memory() -> float:
    """Megabytes that this program has had at most. What `getrusage` says counts that of whoever started it as well."""
    (kilobytes,) = re.findall(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(kilobytes) / 1024


def _costs() -> Iterator[float]:
    for make in COSTLY.values():
        text, began = make(), time.process_time()
        read(text)
        yield time.process_time() - began


if __name__ == "__main__":
    slowest = max(_costs())
    sys.stdout.write(f"{slowest} {most_memory()}\n")
