"""When the turn of a job comes, and what becomes of it then. Pure."""

from collections.abc import Iterable, Sequence
from enum import Enum, auto

from gate.sandbox.gitlab.composite import composite
from gate.sandbox.gitlab.model import FINISHED, Row

ACCEPTED = {
    "on_success": frozenset({"success", "skipped"}),
    "manual": frozenset({"success", "skipped"}),
    "on_failure": frozenset({"failed"}),
    "always": frozenset({"success", "failed", "skipped"}),
}
"""What the jobs before may have come to, taken together, for a job to run. With `needs`, skipped ones do not do."""


class Turn(Enum):
    """What becomes of a job that has been created."""

    NOT_YET = auto()
    START = auto()
    HOLD = auto()
    """It is manual: somebody has to play it."""
    SKIP = auto()


def turn(row: Row, jobs: Sequence[Row]) -> Turn:
    """Whether the job's turn has come among these, all visible ones of its pipeline."""
    if row.config is None:
        return Turn.NOT_YET
    earlier = before(row, jobs)
    status = composite((job.status, job.allow_failure) for job in earlier) if earlier else "success"
    if status not in FINISHED:
        return Turn.NOT_YET
    accepted = ACCEPTED[row.config.when] - (frozenset({"skipped"}) if row.config.needs is not None else frozenset())
    if status not in accepted:
        return Turn.SKIP
    return Turn.HOLD if row.config.when == "manual" else Turn.START


def before(row: Row, jobs: Iterable[Row]) -> list[Row]:
    """The jobs that this one waits for and has variables from: those of its `needs`, else of all earlier stages."""
    if row.config is None or row.config.needs is None:
        return [job for job in jobs if job.stage_index < row.stage_index]
    return [job for job in jobs if job.name in row.config.needs]


def after(row: Row, jobs: Sequence[Row]) -> list[Row]:
    """The jobs that wait for this one, also through others."""
    waiting: list[Row] = []
    for job in sorted(jobs, key=lambda job: job.stage_index):
        if job is not row and any(earlier is row or earlier in waiting for earlier in before(job, jobs)):
            waiting.append(job)
    return waiting
