"""Judges a run once more from its evidence file alone, and says whether that is the verdict that was given."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from gate.documents.canonical import digest_of
from gate.errors import Permanent
from gate.model import Evidence, RunSpec, Summary, Window
from gate.reports.chain import END, Line, Tampered, Unreadable, read
from gate.reports.evidence import ASKED, CARRIED, CONCLUDED, FORMAT, PARTS, SPEC, Asked, Concluded
from gate.running.judge import judge
from gate.running.sampling import Question
from gate.running.tally import summarise

Key = tuple[str, Window, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a file says, and what is made of it. Nothing is `given` or `computed` if the file shows too little."""

    run: str
    spec: RunSpec
    given: Concluded | None = None
    computed: Concluded | None = None
    samples: int = 0
    carried: int = 0
    """Sums that an executor before made, and whose samples are in another file."""
    digest: str = ""
    """The hash of the last line, which stands for the whole file."""
    evidence: str = ""
    """The hash of the evidence in it, as a signed verdict names it."""
    problems: tuple[str, ...] = ()
    """Why it is not what it should be."""

    @property
    def same(self) -> bool:
        return not self.problems and self.given is not None and self.given == self.computed


def verify(path: Path) -> Verified:
    """Raises `Unreadable` for what is no evidence file, or none that was finished."""
    lines = read(path)
    try:
        first = next(lines)
    except (StopIteration, Tampered) as error:
        raise Unreadable(f"{path} is no evidence file: it has no first line") from error
    reading = _begun(first, path)
    try:
        for number, line in enumerate(lines, 2):
            reading.take(line, number)
    except (Tampered, Permanent) as error:
        return replace(reading.seen(), problems=(str(error),))
    return reading.verified()


def _begun(first: Line, path: Path) -> "_Reading":
    content = first.content
    if first.kind != "run" or content.get("format") != FORMAT:
        raise Unreadable(f"{path} is no evidence file of format {FORMAT}")
    try:
        run, spec = content["run"], SPEC.read(content["spec"], "the plan")
        if any(probe.every <= timedelta(0) for probe in spec.workflow.steady_state):
            raise Unreadable(f"{path}: a probe in the plan is asked at no interval")
        carried = CARRIED.read(content["carried"], "what was there before")
        return _Reading(run=f"{run['namespace']}/{run['name']}", spec=spec, carried=carried.summaries)
    except (KeyError, TypeError, Permanent) as error:
        raise Unreadable(f"{path}: its first line cannot be read: {error}") from error


@dataclass(slots=True, kw_only=True)
class _Reading:
    """A file as far as it was read."""

    run: str
    spec: RunSpec
    carried: tuple[Summary, ...]
    asked: dict[Key, list[Asked]] = field(default_factory=lambda: defaultdict(list))
    parts: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    rest: Evidence = field(default_factory=Evidence)
    given: Concluded | None = None
    digest: str = ""

    def take(self, line: Line, number: int) -> None:
        """Raises `Permanent` for a line that does not have its shape."""
        content, where = line.content, f"line {number}"
        match line.kind:
            case "attempt":  # what was seen before counts no more
                self.asked.clear()
                self.carried = ()
            case "sample":
                asked = ASKED.read(content, where)
                self.asked[asked.probe, asked.window, asked.step].append(asked)
            case kind if kind in PARTS:
                part, codec = PARTS[kind]
                self.parts[part].append(codec.read(content, where))
            case "rest":
                self.rest = CARRIED.read(content, where)
            case "verdict":
                self.given = CONCLUDED.read(content, where)
            case kind if kind == END:
                self.digest = line.hash

    def verified(self) -> Verified:
        parts: dict[str, Any] = {part: tuple(each) for part, each in self.parts.items()}
        evidence = replace(self.rest, **parts)
        judgement, score = judge(self.spec, evidence)
        computed = Concluded(judgement=judgement, score=score)
        problems = [self._doubt(summary) for summary in evidence.summaries]
        if self.given is None:
            problems.append("no verdict was given")
        elif self.given != computed:
            problems.append(f"judged again it is {_said(computed)}; it was {_said(self.given)}")
        return replace(
            self.seen(), computed=computed, evidence=digest_of(evidence), problems=tuple(filter(None, problems))
        )

    def seen(self) -> Verified:
        asked = [each for questions in self.asked.values() for each in questions]
        return Verified(
            run=self.run,
            spec=self.spec,
            given=self.given,
            samples=sum(each.sample is not None for each in asked),
            carried=sum(summary in self.carried for summary in self.parts["summaries"]),
            digest=self.digest,
        )

    def _doubt(self, summary: Summary) -> str:
        """Why the summary is not what the samples add up to; empty if it is."""
        asked = self.asked.get((summary.probe, summary.window, summary.step), [])
        probe = next((each for each in self.spec.workflow.steady_state if each.name == summary.probe), None)
        if probe is None or (not asked and summary in self.carried):
            return "" if probe else f'there is no probe "{summary.probe}" in the plan'
        questions = [Question(at=each.at, sample=each.sample, open=False, why=each.why) for each in asked]
        if summarise(probe, summary.window, summary.step, questions) == summary:
            return ""
        during = f' "{summary.step}"' if summary.step else ""
        return f'the samples of "{summary.probe}" {summary.window}{during} add up to something else than was recorded'


def _said(concluded: Concluded) -> str:
    judgement = concluded.judgement
    return f"{judgement.verdict}{f' {judgement.reason}' if judgement.reason else ''}, score {concluded.score}"
