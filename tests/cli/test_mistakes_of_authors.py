"""Every mistake that `chaos-gate lint` promises to find, each by itself: place, words, and where to read on."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from gate.cli.lint import lint

SUBSCRIPTION = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Subscription
metadata: {name: checkout, labels: {release: "1.10"}}
spec:
  workload: {kind: Deployment, namespace: shop, name: checkout}
  environment: staging
  workflows:
    - name: survives
      parameters: {patience: 400ms}
  deadline: 10m
"""
WORKFLOW = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Workflow
metadata:
  name: survives
spec:
  parameters:
    patience: {}
    release: {default: "1.10"}
  steadyState:
    - name: release ${parameters.release} answers
      http: {url: "http://checkout.shop/"}
      every: 100ms
      expect: {latency: "${parameters.patience}"}
  steps:
    - name: one pod dies
      fault: pod-kill
      with: {count: 1}
      hold: 4s
      recover: 15s
"""
IN_SUBSCRIPTION = "subscriptions/document.yaml"
IN_WORKFLOW = "workflows/document.yaml"


class Mistake(NamedTuple):
    """What is written instead of what is right, and where the finding stands: line, column, field."""

    right: str
    wrong: str
    place: tuple[int, int]
    path: str
    why: str
    see: str = "docs/reference.md"


HOLD = "spec.steps[0].hold"


def disputed(written: str, first: str, second: str, remedy: str) -> Mistake:
    """A word that stands where a step should say a time."""
    why = f'{written} without quotes is {first} in YAML 1.1 and {second} in YAML 1.2; write "{written}" in quotes, or '
    return Mistake("hold: 4s", f"hold: {written}", (18, 7), HOLD, why + remedy, "docs/reference.md#spec-steps-hold")


OF_WORKFLOWS = {
    "a key that stands twice": Mistake(
        "      hold: 4s",
        "      hold: 4s\n      hold: 5s",
        (19, 7),
        "spec.steps[0]",
        "'hold' stands here twice, first in line 18",
        "docs/reference.md#spec-steps",
    ),
    "a tab": Mistake(
        "      hold: 4s",
        "\t  hold: 4s",
        (18, 1),
        "",
        "; the line begins with a tab, and YAML indents with spaces",
    ),
    "a wrong indentation": Mistake(
        "      hold: 4s", "     hold: 4s", (18, 6), "", "; is this line indented like those beside it?"
    ),
    "an alias without its anchor": Mistake(
        "hold: 4s", "hold: *short", (18, 13), "", "*short refers to nothing: there is no &short before it"
    ),
    "a word that is a boolean to some": disputed("no", "false", "text", "false"),
    "a number with an exponent": disputed("1e3", "text", "1000", "1000"),
    "an octal number": disputed("0o10", "text", "8", "8"),
    "a hexadecimal number": disputed("0x10", "16", "text to some", "16"),
    "a number in groups": disputed("1_000", "1000", "text", "1000"),
    "a number in sixties": disputed("1:30", "90", "text", "90"),
    "a date": Mistake(
        'default: "1.10"',
        "default: 2026-11-22",
        (8, 15),
        "spec.parameters.release.default",
        '2026-11-22 without quotes is a date in YAML 1.1 and text in YAML 1.2; write "2026-11-22" in quotes',
        "docs/reference.md#spec-parameters",
    ),
    "an octal number of old": disputed("010", "8", "10", "8 or 10"),
    "a version that is a number": Mistake(
        'default: "1.10"',
        "default: 1.10",
        (8, 15),
        "spec.parameters.release.default",
        '1.10 without quotes is the number 1.1; put it in quotes, "1.10", or write 1.1 if a number is meant',
        "docs/reference.md#spec-parameters",
    ),
    "a field that there is not": Mistake(
        "hold: 4s",
        "hlod: 4s",
        (18, 7),
        "spec.steps[0].hlod",
        'there is no field "hlod"; did you mean hold?',
        "docs/reference.md#spec-steps",
    ),
    "a fault that there is not": Mistake(
        "fault: pod-kill",
        "fault: pod-kil",
        (16, 7),
        "spec.steps[0].fault",
        "; did you mean pod-kill?",
        "docs/reference.md#spec-steps-fault",
    ),
    "a parameter that nobody declares": Mistake(
        "${parameters.release}",
        "${parameters.relaese} of ${parameters.release}",
        (10, 7),
        "spec.steadyState[0].name",
        "; did you mean parameters.release?",
        "docs/reference.md#spec-steadystate-name",
    ),
    "a parameter that is not used": Mistake(
        "release ${parameters.release} answers",
        "it answers",
        (8, 5),
        "spec.parameters.release",
        "this parameter is not used anywhere",
        "docs/reference.md#spec-parameters",
    ),
    "a time without its unit": Mistake(
        "hold: 4s",
        "hold: 4",
        (18, 7),
        HOLD,
        "'4' is not a duration; write 4s for seconds",
        "docs/reference.md#spec-steps-hold",
    ),
    "a time without its unit, as it was written": Mistake(
        "hold: 4s",
        "hold: 4.50",
        (18, 7),
        HOLD,
        "'4.50' is not a duration; write 4.50s for seconds",
        "docs/reference.md#spec-steps-hold",
    ),
    "a step without a bound on its recovery": Mistake(
        "      recover: 15s\n",
        "",
        (15, 7),
        "spec.steps[0].recover",
        "is missing",
        "docs/reference.md#spec-steps-recover",
    ),
    "a probe that never has a sample": Mistake(
        "every: 100ms",
        "every: 1m",
        (12, 7),
        "spec.steadyState[0].every",
        "asked every 1m, it has no sample in a window of 4s",
        "docs/reference.md#spec-steadystate-every",
    ),
}
OF_SUBSCRIPTIONS = {
    "a key that some read as a boolean": Mistake(
        "environment: staging",
        "environment: staging\n  on: push",
        (7, 3),
        "spec.on",
        'there is no field "on"; ',
    ),
    "a key that is a boolean to some": Mistake(
        'release: "1.10"',
        "on: push",
        (3, 37),
        "metadata.labels.on",
        'on without quotes is true in YAML 1.1 and text in YAML 1.2; write "on" in quotes, or true',
        "docs/reference.md#metadata-labels",
    ),
    "a key that is a number to some": Mistake(
        'release: "1.10"',
        'release: "1.10", 0x10: sixteen',
        (3, 54),
        "metadata.labels.0x10",
        '0x10 without quotes is 16 in YAML 1.1 and text to some in YAML 1.2; write "0x10" in quotes, or 16',
        "docs/reference.md#metadata-labels",
    ),
    "a name that is a boolean to some": Mistake(
        "environment: staging",
        "environment: no",
        (6, 3),
        "spec.environment",
        'no without quotes is false in YAML 1.1 and text in YAML 1.2; write "no" in quotes, or false',
        "docs/reference.md#spec-environment",
    ),
    "a label that is a number": Mistake(
        'release: "1.10"',
        "release: 1.10",
        (3, 37),
        "metadata.labels.release",
        'must be text, and 1.10 without quotes is the number 1.1; put it in quotes, "1.10"',
        "docs/reference.md#metadata-labels",
    ),
    "a field that there is not": Mistake(
        "environment:",
        "enviroment:",
        (6, 3),
        "spec.enviroment",
        'there is no field "enviroment"; did you mean environment?',
    ),
    "a workflow that there is not": Mistake(
        "name: survives",
        "name: survive",
        (8, 7),
        "spec.workflows[0]",
        '"survive" is not one of the workflows: survives; did you mean survives?',
        "docs/reference.md#spec-workflows",
    ),
    "a parameter that is not given": Mistake(
        "\n      parameters: {patience: 400ms}",
        "",
        (8, 7),
        "spec.workflows[0]",
        "survives: the parameter patience has no default and is not given",
        "docs/reference.md#spec-workflows",
    ),
    "a parameter that the workflow does not have": Mistake(
        "{patience: 400ms}",
        "{patience: 400ms, relaese: x}",
        (8, 7),
        "spec.workflows[0]",
        '"relaese" is not one of its parameters: patience, release; did you mean release?',
        "docs/reference.md#spec-workflows",
    ),
    "a workflow that cannot end in time": Mistake(
        "deadline: 10m",
        "deadline: 20s",
        (10, 3),
        "spec.deadline",
        "the workflows take up to 24s, the deadline is 20s",
        "docs/reference.md#spec-deadline",
    ),
}
FAULT = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Fault
metadata: {name: full-queue}
spec:
  parameters:
    topic: {}
    release: {default: "3"}
  job:
    image: queue:${parameters.release}
    inject: [fill, "${parameters.topic}"]
    revert: [sh, -c, 'drain "${TOPIC}"']
    env: {TOPIC: "${parameters.topic}"}
"""
USING = WORKFLOW.replace("fault: pod-kill", "fault: full-queue").replace("{count: 1}", "{topic: orders}")
IN_FAULT = "workflows/fault.yaml"
OF_FAULTS = {
    "a parameter that nobody declares": Mistake(
        "queue:${parameters.release}",
        "queue:${parameters.relaese}-${parameters.release}",
        (9, 5),
        "spec.job.image",
        "; did you mean parameters.release?",
        "docs/reference.md#fault-job-image",
    ),
    "a parameter that is not used": Mistake(
        "queue:${parameters.release}",
        "queue:3",
        (7, 5),
        "spec.parameters.release",
        "this parameter is not used anywhere",
        "docs/reference.md#spec-parameters",
    ),
    "a parameter that a shell would read as code": Mistake(
        'drain "${TOPIC}"',
        "drain ${parameters.topic}",
        (11, 22),
        "spec.job.revert[2]",
        "a parameter here would be code for sh; give it to a variable in env, and use that here",
        "docs/reference.md#fault-job-revert",
    ),
}
OF_STEPS = {
    "a parameter that is not given": Mistake(
        "{topic: orders}",
        "{count: 1}",
        (17, 7),
        "spec.steps[0].with.topic",
        "is missing: the fault full-queue needs this parameter, which has no default",
        "docs/reference.md#spec-steps-with",
    ),
    "a parameter that the fault does not have": Mistake(
        "{topic: orders}",
        "{topic: orders, relaese: x}",
        (17, 29),
        "spec.steps[0].with.relaese",
        'there is no field "relaese"; did you mean release?',
        "docs/reference.md#spec-steps-with",
    ),
    "a parameter of another type": Mistake(
        "{topic: orders}",
        "{topic: [a, b]}",
        (17, 14),
        "spec.steps[0].with.topic",
        "must be text, not a list",
        "docs/reference.md#spec-steps-with",
    ),
}
IDLE = WORKFLOW.replace("name: survives", "name: idle")


@pytest.fixture
def documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A catalogue without mistakes, where the author stands."""
    for file, text in ((IN_SUBSCRIPTION, SUBSCRIPTION), (IN_WORKFLOW, WORKFLOW)):
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(folder: Path) -> list[dict[str, object]]:
    result = CliRunner().invoke(lint, [str(folder), "--output", "json"])
    findings: list[dict[str, object]] = json.loads(result.output)
    return findings


def assert_said(folder: Path, file: str, mistake: Mistake) -> None:
    findings = said(folder)
    matching = [each for each in findings if each["path"] == mistake.path and mistake.why in str(each["why"])]
    assert len(matching) == 1, findings
    line, column = mistake.place
    assert matching[0]["place"] == {"file": file, "line": line, "column": column}
    assert (matching[0]["severity"], matching[0]["see"]) == ("error", mistake.see)


def test_nothing_is_said_of_documents_without_mistakes(documents: Path) -> None:
    assert said(documents) == []


@pytest.mark.parametrize("mistake", OF_WORKFLOWS.values(), ids=OF_WORKFLOWS)
def test_a_mistake_in_a_workflow_is_said_where_it_stands(documents: Path, mistake: Mistake) -> None:
    assert mistake.right in WORKFLOW
    (documents / IN_WORKFLOW).write_text(WORKFLOW.replace(mistake.right, mistake.wrong))
    assert_said(documents, IN_WORKFLOW, mistake)


@pytest.mark.parametrize("mistake", OF_SUBSCRIPTIONS.values(), ids=OF_SUBSCRIPTIONS)
def test_a_mistake_in_a_subscription_is_said_where_it_stands(documents: Path, mistake: Mistake) -> None:
    assert mistake.right in SUBSCRIPTION
    (documents / IN_SUBSCRIPTION).write_text(SUBSCRIPTION.replace(mistake.right, mistake.wrong))
    assert_said(documents, IN_SUBSCRIPTION, mistake)


@pytest.mark.parametrize("mistake", OF_FAULTS.values(), ids=OF_FAULTS)
def test_a_mistake_in_a_fault_is_said_where_it_stands(documents: Path, mistake: Mistake) -> None:
    assert mistake.right in FAULT
    (documents / IN_WORKFLOW).write_text(USING)
    (documents / IN_FAULT).write_text(FAULT.replace(mistake.right, mistake.wrong))
    assert_said(documents, IN_FAULT, mistake)


@pytest.mark.parametrize("mistake", OF_STEPS.values(), ids=OF_STEPS)
def test_a_mistake_about_a_fault_is_said_where_the_step_makes_it(documents: Path, mistake: Mistake) -> None:
    assert mistake.right in USING
    (documents / IN_FAULT).write_text(FAULT)
    (documents / IN_WORKFLOW).write_text(USING)
    assert said(documents) == []
    (documents / IN_WORKFLOW).write_text(USING.replace(mistake.right, mistake.wrong))
    assert_said(documents, IN_WORKFLOW, mistake)


def test_a_workflow_that_nobody_uses_is_a_warning_at_its_name(documents: Path) -> None:
    (documents / IN_WORKFLOW).write_text(f"{WORKFLOW}---\n{IDLE}")
    (found,) = said(documents)
    assert (found["severity"], found["why"]) == ("warning", "no subscription uses this")
    assert found["place"] == {"file": IN_WORKFLOW, "line": 24, "column": 3}
    assert found["see"] == "docs/reference.md#metadata-name"


def test_an_anchor_that_is_used_is_no_mistake(documents: Path) -> None:
    anchored = WORKFLOW.replace("every: 100ms", "every: &often 100ms").replace("hold: 4s", "hold: *often")
    (documents / IN_WORKFLOW).write_text(anchored)
    assert said(documents) == []
