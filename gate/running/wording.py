"""What a window's samples are said to have done, in words for the developer whose version it was."""

from collections.abc import Iterator

from gate.documents.units import in_words
from gate.model import Probe, Step, Summary, WorkloadName
from gate.running.tolerance import SLOW, out_of_bounds, too_many, too_slow


def complaint(probe: Probe, summary: Summary) -> str:
    """What broke the tolerance, said of the probe: `failed 9 of 40 samples`."""
    tolerate = probe.tolerate
    if (
        tolerate.p95 is not None
        and too_slow(probe, summary.slow, summary.due)
        and not _failed_too_often(probe, summary)
    ):
        return f"had no good answer within {in_words(tolerate.p95)} in {summary.slow} of {summary.samples} samples"
    if out_of_bounds(probe, summary) and not _failed_too_often(probe, summary):
        return f"left its bounds: {_numbers(probe, summary)}"
    return f"failed {summary.failures} of {summary.samples} samples"


def tolerated(probe: Probe) -> str:
    """`tolerated are 10% and 1s on end`."""
    return f"tolerated are {' and '.join(_limits(probe))}"


def unsteady(probe: Probe, summary: Summary) -> str:
    """Why no fault may be injected."""
    what = f": {summary.detail}" if summary.detail else ""
    return f'"{probe.name}" {complaint(probe, summary)} before any fault{what}; {tolerated(probe)}'


def too_few(probe: Probe, summary: Summary | None, when: str) -> str:
    """That nothing can be said about a window, and why there are no samples, if that is known."""
    why = f": {summary.missing}" if summary and summary.missing else ""
    return f'"{probe.name}" has too few samples {when}{why}'


def never_used(step: Step, workload: WorkloadName) -> str:
    """Why to break it would prove nothing."""
    hit = step.target or workload
    return f'nothing shows that {hit} was used before "{step.name}": "{step.used}" had no good answer'


def _limits(probe: Probe) -> Iterator[str]:
    tolerate = probe.tolerate
    others = (tolerate.streak, tolerate.p95, tolerate.at_least, tolerate.at_most)
    if tolerate.failures < 1 or all(other is None for other in others):
        yield f"{tolerate.failures * 100:g}%"
    if tolerate.streak is not None:
        yield f"{in_words(tolerate.streak)} on end"
    if tolerate.p95 is not None:
        yield f"{SLOW * 100:g}% without a good answer within {in_words(tolerate.p95)}"
    if tolerate.at_least is not None:
        yield f"numbers from {tolerate.at_least:g} up"
    if tolerate.at_most is not None:
        yield f"numbers up to {tolerate.at_most:g}"


def _failed_too_often(probe: Probe, summary: Summary) -> bool:
    return too_many(probe, summary.failures, summary.due)


def _numbers(probe: Probe, summary: Summary) -> str:
    if summary.numbers < summary.samples:
        return f"{summary.samples - summary.numbers} of {summary.samples} samples gave no number"
    below = probe.tolerate.at_least is not None and (summary.lowest or 0) < probe.tolerate.at_least
    return f"it went down to {summary.lowest:g}" if below else f"it went up to {summary.highest:g}"
