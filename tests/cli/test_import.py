"""`chaos-gate import`, as somebody runs it who comes from another tool."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gate.cli import main
from gate.cli.importing import importing
from gate.cli.lint import lint

ENGINE = """\
apiVersion: litmuschaos.io/v1alpha1
kind: ChaosEngine
metadata: {name: shop-chaos}
spec:
  appinfo: {appns: shop, applabel: app=checkout, appkind: deployment}
  experiments:
    - name: pod-delete
      spec: {components: {env: [{name: TOTAL_CHAOS_DURATION, value: '20'}, {name: LIB, value: x}]}}
"""
OLD = ENGINE.replace(
    "spec: {components:",
    "spec: {probe: [{name: a, type: httpProbe, httpProbe/inputs: {url: 'http://a'}, mode: SOT,"
    " runProperties: {probeTimeout: 5}}], components:",
)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(importing, [str(each) for each in arguments])


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    file = tmp_path / "engine.yaml"
    file.write_text(ENGINE)
    return file


def test_the_documents_are_on_stdout_and_the_account_is_on_stderr(engine: Path) -> None:
    result = run("litmus", engine)
    assert result.exit_code == 0
    assert result.stdout.count("apiVersion: chaosgate.dev/v1alpha1") == 2
    assert (
        f"{engine}:7: kept: ChaosEngine shop-chaos: spec.experiments[0].name: pod-delete is the fault" in result.stderr
    )
    assert result.stderr.splitlines()[-1].startswith("2 documents; ")


def test_a_catalogue_that_is_written_passes_lint(engine: Path, tmp_path: Path) -> None:
    catalogue = tmp_path / "catalogue"
    assert run("litmus", "--into", catalogue, engine).exit_code == 0
    checked = CliRunner().invoke(lint, [str(catalogue)])
    assert (checked.exit_code, "2 documents, 0 errors" in checked.output) == (0, True), checked.output


def test_nothing_is_overwritten(engine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("litmus", "--into", tmp_path, engine).exit_code == 0
    with pytest.raises(SystemExit) as ended:
        main(["import", "litmus", "--into", str(tmp_path), str(engine)])
    assert ended.value.code == 2
    assert "would be overwritten" in capsys.readouterr().err


def test_programs_get_documents_account_and_refusals_as_one_object(engine: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.yaml"
    old.write_text(OLD)
    result = run("litmus", "--output", "json", engine, old)
    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [each["kind"] for each in told["documents"]] == ["Workflow", "Subscription"]
    assert {each["outcome"] for each in told["account"]} == {"kept", "kept with a difference", "left out"}
    assert [each["place"]["file"] for each in told["refused"]] == [str(old)]


def test_what_is_refused_makes_the_command_fail(tmp_path: Path) -> None:
    old = tmp_path / "old.yaml"
    old.write_text(OLD)
    result = run("litmus", old)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "refused: spec.experiments[0].spec.probe[0].runProperties.probeTimeout: 5 has no unit" in result.stderr
