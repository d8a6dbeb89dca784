"""The evidence of one execution as one file: the plan, each sample with its own time, what was done and taken back, the
verdict. What the lines are is said in `docs/evidence.md`; how they hold together in `gate.reports.chain`.
"""

import logging
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from gate.codec import Codec
from gate.errors import GateError
from gate.model import (
    Copy,
    Effect,
    Evidence,
    Judgement,
    Run,
    RunSpec,
    RunStatus,
    Sample,
    StepRecord,
    Summary,
    Target,
    TimelineEntry,
    Undo,
    Window,
)
from gate.reports.chain import Chain
from gate.running.sampling import Question

log = logging.getLogger(__name__)

FORMAT = 1
SUFFIX, UNFINISHED = ".jsonl.gz", ".jsonl.gz.part"
OURS, OURS_ALONE = 0o600, 0o700
"""Answers of services may hold what is not for everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question that was due, and which window it belongs to."""

    probe: str
    window: Window
    step: str
    at: datetime
    sample: Sample | None = None
    why: str = ""
    """Why there is no sample, or why it does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concluded:
    """The verdict as it was when the run ended."""

    judgement: Judgement
    score: int


SPEC, CARRIED, NOTE, ASKED = Codec(RunSpec), Codec(Evidence), Codec(TimelineEntry), Codec(Asked)
SUMMARY, TARGET, CONCLUDED = Codec(Summary), Codec(Target), Codec(Concluded)
PARTS: dict[str, tuple[str, Codec[Any]]] = {
    "target": ("targets", TARGET),
    "undo": ("undo", Codec(Undo)),
    "effect": ("effects", Codec(Effect)),
    "step": ("steps", Codec(StepRecord)),
    "summary": ("summaries", SUMMARY),
    "copy": ("copies", Codec(Copy)),
}
"""Kind of line -> the part of the evidence that such lines make, and how they are written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """Where the evidence of a run is, and the hash of its last line."""

    namespace: str
    file: str
    digest: str

    def __str__(self) -> str:
        return f"the evidence is in {self.namespace}/{self.file}, sha256 {self.digest}"


_FILED = re.compile(r"the evidence is in (?P<namespace>[^/]+)/(?P<file>[^/ ]+), sha256 (?P<digest>[0-9a-f]{64})")


def filed(status: RunStatus) -> Filed | None:
    """What the story of a run says of its evidence; None if that was not kept, or the run has not ended."""
    said = [found for entry in status.timeline if (found := _FILED.fullmatch(entry.what))]
    return Filed(**said[-1].groupdict()) if said else None


class EvidenceFolder:
    """All files of a gate: `NAMESPACE/RUN.UID.NUMBER.jsonl.gz`, the number telling executions of one run apart."""

    def __init__(self, folder: Path, keep: timedelta, now: Callable[[], datetime]) -> None:
        """Files that are older than `keep` go when a new one comes."""
        self._folder, self._keep, self._now = folder, keep, now

    def of(self, run: Run) -> "EvidenceFile":
        """The file of an execution that is about to begin."""
        return EvidenceFile(self, run)

    def open(self, run: Run) -> tuple[Path, IO[bytes]]:
        """A file with a name that no execution had. Raises `OSError`."""
        folder = self._folder / run.namespace
        folder.mkdir(parents=True, exist_ok=True, mode=OURS_ALONE)
        self.clear()
        number = 1
        while True:
            stem = folder / f"{run.name}.{run.uid[:8]}.{number}"
            if not Path(f"{stem}{SUFFIX}").exists():
                with suppress(FileExistsError):
                    handle = os.open(f"{stem}{UNFINISHED}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, OURS)
                    return stem, os.fdopen(handle, "wb")
            number += 1

    def clear(self) -> None:
        """Take away what is too old."""
        oldest = (self._now() - self._keep).timestamp()
        for pattern in (f"*/*{SUFFIX}", f"*/*{UNFINISHED}"):
            for file in self._folder.glob(pattern):
                with suppress(FileNotFoundError):
                    if file.stat().st_mtime < oldest:
                        file.unlink()


class EvidenceFile:
    """The record of one execution. Until it is finished it has another name, and no last line."""

    def __init__(self, folder: EvidenceFolder, run: Run) -> None:
        self._folder, self._run = folder, run
        self._stem = Path()
        self._file: IO[bytes] | None = None
        self._chain: Chain | None = None

    def begin(self, spec: RunSpec, status: RunStatus) -> None:
        def open_it() -> None:
            self._stem, self._file = self._folder.open(self._run)
            self._chain = Chain(self._file)
            run = self._run
            named = {"namespace": run.namespace, "name": run.name, "uid": run.uid}
            content = {"format": FORMAT, "run": named, "spec": SPEC.write_new(spec)}
            self._chain.add("run", content | {"carried": CARRIED.write_new(status.evidence)})
            self._chain.flush()

        self._try(open_it)

    def attempt(self, number: int) -> None:
        self._add("attempt", {"number": number})

    def note(self, entry: TimelineEntry) -> None:
        self._add("note", NOTE.write_new(entry))

    def samples(self, probe: str, window: Window, step: str, questions: Sequence[Question]) -> None:
        def write(chain: Chain) -> None:
            for each in questions:
                asked = Asked(probe=probe, window=window, step=step, at=each.at, sample=each.sample, why=each.why)
                chain.add("sample", ASKED.write_new(asked))
            chain.flush()

        self._with_chain(write)

    def after(self, pods: Sequence[Target]) -> None:
        for pod in pods:
            self._add("after", TARGET.write_new(pod))

    def finish(self, evidence: Evidence, judgement: Judgement, score: int) -> str:
        last: list[str] = []

        def write(chain: Chain) -> None:
            for kind, (part, codec) in PARTS.items():
                for each in getattr(evidence, part):
                    chain.add(kind, codec.write_new(each))
            rest = Evidence(
                version_after=evidence.version_after, stopped=evidence.stopped, uncompared=evidence.uncompared
            )
            chain.add("rest", CARRIED.write_new(rest))
            chain.add("verdict", CONCLUDED.write_new(Concluded(judgement=judgement, score=score)))
            last.append(chain.end())
            self._put_in_place()
            self.close()

        self._with_chain(write)
        if not (self._stem.name and last):
            return ""
        return str(Filed(namespace=self._run.namespace, file=f"{self._stem.name}{SUFFIX}", digest=last[0]))

    def close(self) -> None:
        chain, file, self._chain, self._file = self._chain, self._file, None, None
        with suppress(OSError):
            if chain:
                chain.close()
        with suppress(OSError):
            if file:
                file.close()

    def _put_in_place(self) -> None:
        """Under its own name there are only whole files, also after the machine lost its power."""
        if self._file:
            self._file.flush()
            os.fsync(self._file.fileno())
        Path(f"{self._stem}{UNFINISHED}").rename(f"{self._stem}{SUFFIX}")

    def _add(self, kind: str, content: dict[str, Any]) -> None:
        def write(chain: Chain) -> None:
            chain.add(kind, content)
            chain.flush()

        self._with_chain(write)

    def _with_chain(self, write: Callable[[Chain], None]) -> None:
        if self._chain:
            chain = self._chain
            self._try(lambda: write(chain))

    def _try(self, write: Callable[[], None]) -> None:
        """What cannot be written ends the record, and not the run: a fault may be in force."""
        try:
            write()
        except (OSError, ValueError, GateError) as error:
            log.error("evidence.lost run=%s why=%r", self._run.name, str(error))  # noqa: TRY400 - the sentence says it
            self._stem = Path()
            self.close()
