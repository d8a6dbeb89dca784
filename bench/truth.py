"""`make bench-truth`: every case of the corpus in both variants, again and again: how often is it wrong?

Each case has a sandbox and a gate of its own, which play both variants at the same time. Beside them the machine is
busy with other work: as many processes that never rest as it has processors, or as are asked for. What else ran there
shows in the load that is told with each play. A case whose fault there is not yet is named and left out.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.table import Figure, show
from tests.corpus.cases import VARIANTS, Case, cases
from tests.corpus.playing import Told, play

RESTLESS = "import os; parent = os.getppid()\nwhile os.getppid() == parent: sum(range(10_000))"
"""Nobody is left to end it where the benchmark was killed."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=10, help="how often each case is played")
    parser.add_argument("--only", nargs="*", default=list(cases()), help="the names of some cases")
    parser.add_argument("--beside", type=int, default=os.cpu_count(), help="how many processes keep the machine busy")
    parser.add_argument("--json", type=Path, default=Path("build/bench-truth.json"))
    asked = parser.parse_args()
    chosen = [case for case in cases().values() if case.name in asked.only]
    wrong: Counter[tuple[str, str]] = Counter()
    with _busy(asked.beside):
        for number in range(asked.repeat):
            for case in chosen:
                if case.is_playable:
                    wrong.update(_played(case, number + 1))
    for case in chosen:
        if not case.is_playable:
            say(f"LEFT OUT: {case.name}: there is no fault {case.said['fault']['kind']} yet")
    figures = [
        Figure(
            what=f"{case.name} {variant}: {case.truth(variant)}",
            value=wrong[case.name, variant],
            unit=f"wrong of {asked.repeat}",
            goal=0,
        )
        for case in chosen
        if case.is_playable
        for variant in VARIANTS
    ]
    print(show(figures, asked.json))
    return int(any(figure.is_missed for figure in figures))


@contextmanager
def _busy(processes: int) -> Iterator[None]:
    """So many processes that always have something to do, beside whatever is done meanwhile."""
    with ExitStack() as stack:
        for _ in range(processes):
            other = stack.enter_context(subprocess.Popen([sys.executable, "-c", RESTLESS]))
            stack.callback(other.kill)
        yield


def _played(case: Case, number: int) -> list[tuple[str, str]]:
    """The variants whose verdict was not the truth."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-truth-") as folder:
        told = play([case], Path(folder))
    say(f"{number}: {case.name}, {time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.0f}")
    wrong = {played: each for played, each in told.items() if each.verdict is not case.truth(played[1])}
    for (_, variant), each in wrong.items():
        say(f"   {variant} is {_in_words(each)}; the truth is {case.truth(variant)}")
    return list(wrong)


def _in_words(told: Told) -> str:
    return f"{told.verdict} ({told.reason}: {told.message})" if told.reason else str(told.verdict)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
