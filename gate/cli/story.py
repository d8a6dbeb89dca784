"""An answer of the gate as a developer reads it in a job's log."""

from collections.abc import Iterator

from gate.cli.duration import spoken
from gate.model import Verdict
from gate.tracking.overrides import in_words
from gate.web.answer import Answer
from gate.web.run_answer import FailedProbe, RunAnswer


def progress(answer: Answer) -> str:
    """One line: how far it is."""
    where = ", ".join(answer.workloads)
    doing = "; ".join(f"{run.workflow}: {run.activity}" for run in answer.runs if run.activity)
    what = [part for part in (where, answer.message, doing) if part]
    return f"{answer.state}: {'; '.join(what)}" if what else str(answer.state)


def verdict(answer: Answer, address: str = "") -> Iterator[str]:
    """The verdict with everything that a developer needs to find the cause, line by line."""
    for override in answer.overrides:
        stays = f"its verdict stays {answer.verdict}" if answer.verdict else "it has no verdict yet"
        yield f"OVERRIDDEN: version {override.version} is {in_words(override)}; {stays}"
    score = f", score {answer.score}" if answer.score is not None else ""
    reason = f" ({answer.reason})" if answer.reason else ""
    yield f"{answer.verdict or 'NOT JUDGED'}{reason}{score}: {', '.join(answer.workloads)}"
    if answer.message:
        yield f"  {answer.message}"
    for run in sorted(answer.runs, key=lambda run: run.verdict is Verdict.PASSED):
        yield from _run(run, address)


def _run(run: RunAnswer, address: str) -> Iterator[str]:
    yield ""
    reason = f" ({run.reason})" if run.reason else ""
    yield f"  {run.verdict or 'NOT JUDGED'} {run.workflow}{reason}, run {run.name}"
    if run.verdict is not Verdict.PASSED:
        yield from (f"    {line}" for line in explanation(run, address))


def explanation(run: RunAnswer, address: str = "") -> Iterator[str]:
    """Why a run did not pass: what the judge says, each probe that had bad answers, and how to see it once more."""
    if run.message:
        yield run.message
    for failed in run.failed:
        yield from _probe(failed)
    if address and (link := page(run.workload, address)):
        yield f"link       {link}"
    if run.reproduce and run.verdict in {Verdict.FAILED, Verdict.ERRORED}:
        yield f"reproduce  {run.reproduce}"


def page(workload: str, address: str) -> str:
    """Where the gate shows a workload (`Deployment shop/checkout`); empty if it is none."""
    kind, _, place = workload.partition(" ")
    namespace, slash, name = place.partition("/")
    return f"{address}/gates/{namespace}/{kind}/{name}" if slash else ""


def _probe(failed: FailedProbe) -> Iterator[str]:
    where = f'{failed.window} "{failed.step}"' if failed.step else failed.window
    when = f", first at {failed.first_failure:%H:%M:%S} UTC" if failed.first_failure else ""
    seen = f": {failed.detail}" if failed.detail else ""
    yield f'probe      "{failed.probe}"'
    if failed.expected:
        yield f"expected   {failed.expected}"
    yield f"seen       {failed.failures} of {failed.samples} samples bad, longest {spoken(failed.streak)}{seen}"
    yield f"when       {where}{when}"
    if failed.fault:
        yield f"fault      {failed.fault}"
