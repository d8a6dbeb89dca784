"""`chaos-gate lint`, as an author runs it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from gate.cli import main
from gate.cli.lint import lint

PROJECT = Path(__file__).parents[2]
AUTHORS = (PROJECT / "docs" / "authors.md").read_text()
SUBSCRIPTION = (PROJECT / "subscriptions" / "checkout.yaml").read_text()
WORKFLOW = (PROJECT / "workflows" / "survives-pod-loss.yaml").read_text()

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Makes a catalogue of these documents."""

    def write(*, subscription: str = SUBSCRIPTION, workflow: str = WORKFLOW) -> Path:
        for folder, text in (("subscriptions", subscription), ("workflows", workflow)):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "document.yaml").write_text(text)
        return tmp_path

    return write


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(lint, [str(each) for each in arguments])


@pytest.mark.parametrize("paths", [[PROJECT], [PROJECT / "subscriptions", PROJECT / "workflows"]])
def test_the_documents_of_this_project_are_right(paths: list[Path]) -> None:
    result = run(*paths)
    *said, counted = result.output.splitlines()
    assert (result.exit_code, counted) == (0, "5 documents, 0 errors, 1 warnings and notes"), result.output
    (example,) = said
    assert example.startswith(os.path.relpath(PROJECT / "workflows" / "survives-flag-off.yaml"))
    assert "no subscription uses this" in example


def test_a_mistake_is_one_line_with_file_line_and_column(write: Write) -> None:
    folder = write(subscription=SUBSCRIPTION.replace("environment:", "enviroment:"))
    result = run(folder)
    assert result.exit_code == 1
    (line,) = [line for line in result.output.splitlines() if "enviroment" in line]
    assert "subscriptions/document.yaml:10:3: error: spec.enviroment: " in line
    assert line.endswith("did you mean environment? (see docs/reference.md)")


def test_a_fault_that_nobody_knows_is_said_beside_the_other_mistakes_of_its_workflow(write: Write) -> None:
    spoilt = WORKFLOW.replace("fault: pod-kill", "fault: pod-kil").replace("hold: 3s", "hold: 3")
    result = run(write(workflow=spoilt))
    assert "did you mean pod-kill?" in result.output
    assert "spec.steps[0].hold: '3' is not a duration" in result.output


@pytest.mark.parametrize("output", ["json", "codeclimate", "sarif"])
def test_what_programs_read_is_json(write: Write, output: str) -> None:
    result = run(write(workflow=WORKFLOW.replace("hold: 3s", "hold: 3")), "--output", output)
    assert "is not a duration" in json.dumps(json.loads(result.output))
    assert result.exit_code == 1


def test_a_workflow_that_is_not_there_is_an_error_where_it_is_asked_for(write: Write) -> None:
    result = run(write())
    assert result.exit_code == 1
    assert 'survives-inventory-loss: "survives-inventory-loss" is not one of the workflows: ' in result.output


def test_warnings_alone_are_no_failure(write: Write) -> None:
    subscription = SUBSCRIPTION.replace("    - {name: survives-inventory-loss}\n", "")
    idle = WORKFLOW + "---\n" + WORKFLOW.replace("name: survives-pod-loss", "name: idle")
    result = run(write(subscription=subscription, workflow=idle))
    assert result.exit_code == 0
    assert "warning: metadata.name: no subscription uses this" in result.output
    assert result.output.endswith("3 documents, 0 errors, 1 warnings and notes\n")


def test_machines_get_the_same_as_json(write: Write) -> None:
    result = run(write(workflow=WORKFLOW.replace("hold: 3s", "hold: 3")), "--output", "json")
    assert result.exit_code == 1
    (finding,) = [each for each in json.loads(result.output) if each["path"] == "spec.steps[0].hold"]
    assert finding["severity"] == "error"
    assert finding["place"]["line"] == WORKFLOW[: WORKFLOW.index("hold: 3s")].count("\n") + 1
    assert finding["why"] == "'3' is not a duration; write 3s for seconds"


def test_other_yaml_of_a_repository_is_left_alone(write: Write) -> None:
    folder = write()
    (folder / ".gitlab-ci.yml").write_text("lint: {script: [chaos-gate lint .]}")
    assert ".gitlab-ci.yml" not in run(folder).output


@pytest.mark.parametrize(
    ("path", "complaint"), [("nowhere", "there is no file or folder"), ("empty", "there is nothing to check in")]
)
def test_checking_nothing_is_a_usage_error_and_no_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str, complaint: str
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit) as ended:
        main(["lint", str(tmp_path / path)])
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(("hold", "code"), [("3s", 0), ("3", 1)])
def test_the_job_for_a_catalogue_fails_with_its_documents_and_leaves_a_report(
    write: Write, hold: str, code: int
) -> None:
    folder = write(workflow=WORKFLOW.replace("hold: 3s", f"hold: {hold}"))
    (folder / "subscriptions" / "document.yaml").unlink()
    (sample,) = re.findall(r"^```yaml\n(# \.gitlab-ci\.yml\ndocuments:.*?)^```$", AUTHORS, re.MULTILINE | re.DOTALL)
    job = yaml.safe_load(sample)["documents"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    script = "\n".join(["set -e", *job["script"]])
    done = subprocess.run(
        ["sh", "-c", script], check=False, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == code, done.stdout + done.stderr
    report = json.loads((folder / job["artifacts"]["reports"]["codequality"]).read_text())
    assert [each["location"]["path"] for each in report] == ["workflows/document.yaml"] * len(report)
    assert bool(report) is bool(code)
