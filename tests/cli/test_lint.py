"""`chaos-gate lint`, as an author runs it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gate.cli import main
from gate.cli.lint import lint

PROJECT = Path(__file__).parents[2]
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
    assert (result.exit_code, result.output) == (0, "3 documents, 0 errors, 0 warnings and notes\n")


def test_a_mistake_is_one_line_with_file_line_and_column(write: Write) -> None:
    folder = write(subscription=SUBSCRIPTION.replace("environment:", "enviroment:"))
    result = run(folder)
    assert result.exit_code == 1
    (line,) = [line for line in result.output.splitlines() if "enviroment" in line]
    assert "subscriptions/document.yaml:9:3: error: spec.enviroment: " in line
    assert line.endswith("did you mean environment?")


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
