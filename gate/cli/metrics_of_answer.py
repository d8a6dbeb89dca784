"""The gate's answer as OpenMetrics text, which GitLab compares with the target branch's in a merge request.

GitLab reads it line by line: up to the first `#`, in the words of a shell, the first one being the name with its
labels, the second the value, and of two lines with the same name only one counts (its parser is
`Gitlab::Ci::Parsers::Metrics::Generic`). So no label has a `#` or a quote in it, and no line says the same name again.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from gate.model import Verdict
from gate.web.answer import Answer
from gate.web.run_answer import RunAnswer

FAMILIES: Mapping[str, str] = {
    "chaos_gate_passed": "Whether the run passed: 1, else 0.",
    "chaos_gate_score": "The share of probes that kept their tolerance, by weight, in percent.",
    "chaos_gate_detection_seconds": "From the fault to the first bad answer.",
    "chaos_gate_recovery_seconds": "From the end of the fault until the service was steady again.",
    "chaos_gate_bad_samples_ratio": "The share of a probe's answers that were bad, where some were.",
}

_UNSAFE = re.compile(r"[^ !$-\[\]-~]|['`]")

Line = tuple[str, Mapping[str, str], float]
"""Family, labels and value."""


def metrics_text(answer: Answer | None) -> str:
    """All that is known in figures; no figure at all without an answer."""
    lines = list(_lines(answer)) if answer else []
    said: list[str] = []
    for family, meaning in FAMILIES.items():
        named = [(labels, value) for name, labels, value in lines if name == family]
        if named:
            said += [f"# TYPE {family} gauge", f"# HELP {family} {meaning}"]
            said += [f"{family}{{{_written(labels)}}} {value:g}" for labels, value in named]
    return "\n".join([*said, "# EOF", ""])


def _lines(answer: Answer) -> Iterator[Line]:
    before: Counter[tuple[str, str]] = Counter()
    for run in answer.runs:
        if run.verdict is None:
            continue
        key = run.workload, run.workflow
        before[key] += 1
        labels = {"workload": run.workload, "workflow": run.workflow}
        # A subscription may use one workflow with several parameters.
        yield from _of_run(run, labels | ({"nth": str(before[key])} if before[key] > 1 else {}))


def _of_run(run: RunAnswer, labels: Mapping[str, str]) -> Iterator[Line]:
    yield "chaos_gate_passed", labels, float(run.verdict is Verdict.PASSED)
    if run.score is not None:
        yield "chaos_gate_score", labels, run.score
    for step in run.steps:
        of_step = {**labels, "step": step.step}
        if step.detection is not None:
            yield "chaos_gate_detection_seconds", of_step, step.detection.total_seconds()
        if step.recovery is not None:
            yield "chaos_gate_recovery_seconds", of_step, step.recovery.total_seconds()
    for failed in run.failed:
        where = {"probe": failed.probe, "window": str(failed.window), "step": failed.step}
        yield "chaos_gate_bad_samples_ratio", {**labels, **where}, failed.failures / max(1, failed.samples)


def _written(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_UNSAFE.sub("_", value)}"' for name, value in labels.items())
