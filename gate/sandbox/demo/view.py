"""Shows the demo to a person: a live view on a terminal, plain lines anywhere else."""

import time
from collections import deque
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gate.sandbox.demo.snapshot import RunSeen, Snapshot

MARKS = {
    "success": ("✓", "green"),
    "failed": ("✗", "red"),
    "running": ("●", "yellow"),
    "skipped": ("»", "dim"),
    "canceled": ("⊘", "dim"),
}
VERDICTS = {"PASSED": "bold green", "FAILED": "bold red", "ERRORED": "bold magenta", "CANCELED": "dim"}
STORY = 12
"""How many lines of the story stay in sight."""


class View(Protocol):
    """Somebody who watches."""

    def say(self, line: str) -> None:
        """One more line of the story."""
        ...

    def show(self, title: str, snapshot: Snapshot) -> None:
        """The stage as it is now."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def view_for(console: Console) -> View:
    """The live view on a terminal, plain lines elsewhere."""
    return Terminal(console) if console.is_terminal else Lines(console)


class Lines:
    """The story, a line at a time, with the seconds since the start."""

    def __init__(self, console: Console) -> None:
        self._console, self._started = console, time.monotonic()

    def say(self, line: str) -> None:
        elapsed = time.monotonic() - self._started
        self._console.print(f"{elapsed:5.1f}s  {line}", highlight=False, markup=False, soft_wrap=True)

    def show(self, title: str, snapshot: Snapshot) -> None:
        """The story says it all."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to put back."""


class Terminal:
    """Pipeline, rollout, runs and samples as they are, and the last lines of the story below."""

    def __init__(self, console: Console) -> None:
        self._started = time.monotonic()
        self._story: deque[tuple[float, str]] = deque(maxlen=STORY)
        self._title, self._snapshot = "setting the stage", Snapshot()
        self._live = Live(console=console, get_renderable=self._picture, refresh_per_second=8)

    def say(self, line: str) -> None:
        self._story.append((time.monotonic() - self._started, line))

    def show(self, title: str, snapshot: Snapshot) -> None:
        self._title, self._snapshot = title, snapshot

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def _picture(self) -> RenderableType:
        elapsed = time.monotonic() - self._started
        now = self._snapshot
        facts = Table.grid(padding=(0, 2))
        facts.add_column(style="bold")
        facts.add_column()
        facts.add_row("pipeline", _jobs(now))
        facts.add_row("rollout", now.rollout)
        facts.add_row("gate", Text(f"{now.gate} {now.verdict}".strip(), style=VERDICTS.get(now.verdict, "")))
        story = Group(*(_line(at, line) for at, line in self._story))
        return Group(Panel(facts, title=f"{self._title} · {elapsed:.0f} s", title_align="left"), *(_runs(now)), story)


def _jobs(now: Snapshot) -> Text:
    text = Text()
    for name, status in now.jobs:
        mark, style = MARKS.get(status, ("○", "dim"))
        text.append(f"{mark} {name}   ", style=style)
    return text


def _runs(now: Snapshot) -> list[RenderableType]:
    if not now.runs:
        return []
    table = Table(box=None, pad_edge=False, expand=True)
    for column in ("workflow", "doing", "samples good / bad", "verdict"):
        table.add_column(column, overflow="fold")
    for run in now.runs:
        table.add_row(run.workflow, run.activity or run.phase, _samples(run), _verdict(run))
    return [table]


def _samples(run: RunSeen) -> Text:
    text = Text()
    for window in ("before", "during", "after"):
        probes = [probe for probe in run.probes if probe.window == window]
        if not probes:
            continue
        bad = sum(probe.failures for probe in probes)
        text.append(f"{window} {sum(probe.samples for probe in probes) - bad}")
        text.append(f"/{bad} " if bad else " ", style="red")
    return text


def _verdict(run: RunSeen) -> Text:
    return Text(run.verdict, style=VERDICTS.get(run.verdict, ""))


def _line(at: float, line: str) -> Text:
    return Text(f"{at:5.1f}s  {line}", no_wrap=True, overflow="ellipsis")
