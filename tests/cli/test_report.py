"""`chaos-gate report verify`, as somebody runs it who has nothing but the file."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gate.cli import main
from gate.cli.report import report
from tests.reports.files import lines, played, written
from tests.running.simulation import Service, Stage


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(report, ["verify", *map(str, arguments)])


def test_the_same_verdict_is_said_and_exits_0(tmp_path: Path) -> None:
    result = run(played(tmp_path))
    assert result.exit_code == 0
    first, given, again, digest, evidence, last = result.output.splitlines()
    assert first.startswith("shop/checkout-run: survives-outage against version v1, ")
    assert given.startswith('given: FAILED ProbeFailed, score 0: "checkout answers" failed ')
    assert again.removeprefix("judged again: ") == given.removeprefix("given: ")
    assert digest.startswith("sha256 ")
    assert evidence.startswith("evidence ")
    assert last == "the verdict is the same"


def test_a_file_that_was_changed_exits_1_and_says_where(tmp_path: Path) -> None:
    file = played(tmp_path)
    whole = lines(file)
    whole[9]["content"]["why"] = "because"
    result = run(written(file, whole))
    assert result.exit_code == 1
    assert "not as it should be: line 10 is not the line that line 11 came after" in result.output
    assert "the same" not in result.output


def test_a_file_that_was_never_finished_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path / "run.jsonl.gz", lines(played(tmp_path))[:-1])
    with pytest.raises(SystemExit) as ended:
        main(["report", "verify", str(file)])
    assert ended.value.code == 2
    assert "is not finished: it ends after" in capsys.readouterr().err


def test_programs_are_told_in_json(tmp_path: Path) -> None:
    result = run("--output", "json", played(tmp_path, Stage(Service(suffers=False))))
    said = json.loads(result.output)
    assert (said["same"], said["problems"], said["seed"], said["revision"]) == (True, [], "seed", "r1")
    assert said["given"] == said["computed"]
    assert said["given"]["judgement"]["verdict"] == "PASSED"
    assert len(said["sha256"]) == 64
