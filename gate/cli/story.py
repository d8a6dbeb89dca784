"""An answer of the gate as a developer reads it in a job's log."""

from collections.abc import Iterator

from gate.cli.duration import spoken
from gate.model import Verdict
from gate.web.answer import Answer, FailedProbe, RunAnswer


def progress(answer: Answer) -> str:
    """One line: how far it is."""
    where = ", ".join(answer.workloads)
    doing = "; ".join(f"{run.workflow}: {run.activity}" for run in answer.runs if run.activity)
    what = [part for part in (where, answer.message, doing) if part]
    return f"{answer.state}: {'; '.join(what)}" if what else str(answer.state)


def verdict(answer: Answer) -> Iterator[str]:
    """The verdict with everything that a developer needs to find the cause, line by line."""
    score = f", score {answer.score}" if answer.score is not None else ""
    reason = f" ({answer.reason})" if answer.reason else ""
    yield f"{answer.verdict}{reason}{score}: {', '.join(answer.workloads)}"
    if answer.message:
        yield f"  {answer.message}"
    for run in sorted(answer.runs, key=lambda run: run.verdict is Verdict.PASSED):
        yield from _run(run)


def _run(run: RunAnswer) -> Iterator[str]:
    yield ""
    reason = f" ({run.reason})" if run.reason else ""
    yield f"  {run.verdict or 'NOT JUDGED'} {run.workflow}{reason}, run {run.name}"
    if run.verdict is not Verdict.PASSED:
        yield from (f"    {line}" for line in explanation(run))


def explanation(run: RunAnswer) -> Iterator[str]:
    """Why a run did not pass: what the judge says, then each probe that had bad answers."""
    if run.message:
        yield run.message
    for failed in run.failed:
        yield _probe(failed)


def _probe(failed: FailedProbe) -> str:
    """`"checkout answers" during "one pod dies": 12 of 200 samples bad, …`."""
    where = f'{failed.window} "{failed.step}"' if failed.step else failed.window
    when = f", first at {failed.first_failure:%H:%M:%S}" if failed.first_failure else ""
    seen = f": {failed.detail}" if failed.detail else ""
    bad = f"{failed.failures} of {failed.samples} samples bad, longest {spoken(failed.streak)}"
    return f'"{failed.probe}" {where}: {bad}{when}{seen}'
