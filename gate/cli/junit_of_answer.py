"""The gate's answer as JUnit XML, for the test tab of a pipeline: each run is a test case of its workload."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Sequence

from gate.cli.story import explanation
from gate.model import Reason, Verdict
from gate.tracking.overrides import in_words
from gate.web.answer import Answer
from gate.web.run_answer import RunAnswer

_ELEMENTS = {Verdict.FAILED: "failure", Verdict.ERRORED: "error", Verdict.CANCELED: "skipped", None: "error"}
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(answer: Answer | None, message: str) -> str:
    """One suite with a case for each run; without runs, one case that says why there is no pass."""
    runs: Sequence[RunAnswer] = answer.runs if answer else ()
    if not runs:
        workload = ", ".join(answer.workloads) if answer and answer.workloads else "chaos gate"
        verdict, reason = (answer.verdict, answer.reason) if answer else (None, None)
        said = (answer.message if answer else "") or message
        runs = (
            RunAnswer(name="", workload=workload, workflow="verdict", verdict=verdict, reason=reason, message=said),
        )
    suite = ET.Element("testsuite", name="chaos gate", tests=str(len(runs)))
    for kind in ("failure", "error", "skipped"):
        count = sum(run.verdict is not Verdict.PASSED and _ELEMENTS[run.verdict] == kind for run in runs)
        suite.set({"failure": "failures", "error": "errors"}.get(kind, kind), str(count))
    overridden = "".join(f"{in_words(each)}\n" for each in answer.overrides) if answer else ""
    # GitLab knows a case by class and name, and drops the second one of two: that one may be the one that failed.
    several = Counter((run.workload, run.workflow) for run in runs)
    for run in runs:
        twice = several[run.workload, run.workflow] > 1
        _case(suite, run, f"{run.workflow} ({run.name})" if twice else run.workflow, message, overridden)
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ET.Element, run: RunAnswer, name: str, message: str, overridden: str) -> None:
    """What did not pass says so, also where people let it through: `overridden` are their words."""
    case = ET.SubElement(suite, "testcase", classname=_clean(run.workload), name=_clean(name))
    if run.verdict is Verdict.PASSED:
        return
    outcome = ET.SubElement(case, _ELEMENTS[run.verdict])
    outcome.set("type", run.reason or run.verdict or Reason.NOT_JUDGED_YET)
    outcome.set("message", _clean(overridden.replace("\n", "; ") + (run.message or message)))
    outcome.text = _clean(overridden + "\n".join(explanation(run)))


def _clean(text: str) -> str:
    """Without the characters that XML cannot carry, as they occur in what broken services answer."""
    return _UNPRINTABLE.sub("�", text)
