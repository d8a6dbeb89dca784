"""Several workloads' answers as one. Pure."""

from collections.abc import Sequence

from gate.model import Verdict
from gate.tracking.overrides import in_words
from gate.web.answer import Answer, State


def fold(parts: Sequence[Answer]) -> Answer:
    """Several workloads as one: open if all are, failed as soon as one has failed, else decided when all are. Those
    that people let through hold nobody up, and their verdicts count where nobody else's does.
    """
    if len(parts) == 1:
        return parts[0]
    held = [part for part in parts if not part.lets_through]
    deciding = _deciding(held or parts)
    scores = [part.score for part in parts if part.score is not None]
    decided = deciding.verdict is not None
    return Answer(
        state=deciding.state,
        verdict=deciding.verdict,
        reason=deciding.reason,
        message="; ".join(map(_said, parts)),
        workloads=tuple(name for part in parts for name in part.workloads),
        version=" ".join(part.version for part in parts if part.version),
        score=min(scores, default=None) if decided else None,
        runs=tuple(run for part in parts for run in part.runs),
        overrides=() if held else tuple(override for part in parts for override in part.overrides),
    )


def _said(part: Answer) -> str:
    said = "; ".join([*map(in_words, part.overrides), part.message or part.state])
    return f"{part.workloads[0]}: {said}" if part.workloads else said


def _deciding(parts: Sequence[Answer]) -> Answer:
    """The part that stands for all. FAILED is the worst there is: nothing that is still to come can change it."""
    failed = next((part for part in parts if part.verdict is Verdict.FAILED), None)
    if failed is not None:
        return failed
    undecided = [part for part in parts if part.verdict is None]
    if undecided:
        return next((part for part in undecided if part.state is State.PENDING), undecided[0])
    worst = Verdict.worst(part.verdict for part in parts if part.verdict is not None)
    return next(part for part in parts if part.verdict is worst)
