"""Findings as GitLab and code scanners read them."""

import json
import re
import xml.etree.ElementTree as ET

from gate.documents.formats import as_code_climate, as_junit, as_sarif
from gate.documents.review import Finding, Severity
from gate.errors import Place

ERROR = Finding(
    severity=Severity.ERROR,
    place=Place(file="workflows/w.yaml", line=7, column=3),
    path="spec.steps[0].hold",
    why="'5' is not a duration",
    see="docs/reference.md#spec-steps-hold",
)
NOTE = Finding(
    severity=Severity.NOTE, place=Place(file="other.yaml"), path="", why="is passed over\x07", see="docs/reference.md"
)


def test_gitlab_gets_a_path_a_line_a_severity_that_it_knows_and_a_fingerprint() -> None:
    error, note = json.loads(as_code_climate([ERROR, NOTE]))
    assert error["description"] == "spec.steps[0].hold: '5' is not a duration"
    assert error["check_name"] == "spec.steps.hold"
    assert error["location"] == {"path": "workflows/w.yaml", "lines": {"begin": 7}}
    assert {error["severity"], note["severity"]} < {"info", "minor", "major", "critical", "blocker"}
    assert error["fingerprint"] != note["fingerprint"]


def test_a_fingerprint_stays_when_lines_above_come_and_go() -> None:
    moved = Finding(severity=ERROR.severity, place=Place(file=ERROR.place.file, line=9), path=ERROR.path, why=ERROR.why)
    (before,), (after,) = json.loads(as_code_climate([ERROR])), json.loads(as_code_climate([moved]))
    assert before["fingerprint"] == after["fingerprint"]


def test_a_file_with_errors_is_a_failed_test_case_and_notes_fail_none() -> None:
    suite = ET.fromstring(as_junit([ERROR, NOTE])).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failed = suite.find("testcase[@name='workflows/w.yaml']/failure")
    assert failed is not None
    assert failed.text is not None
    assert "workflows/w.yaml:7:3: error: spec.steps[0].hold: '5' is not a duration" in failed.text
    noted = suite.find("testcase[@name='other.yaml']/system-out")
    assert noted is not None
    assert noted.text is not None
    assert re.search("is passed over\N{REPLACEMENT CHARACTER}", noted.text)


def test_scanners_get_a_rule_a_level_and_a_region_that_counts_from_one() -> None:
    (run,) = json.loads(as_sarif([ERROR, NOTE]))["runs"]
    error, note = run["results"]
    assert [each["id"] for each in run["tool"]["driver"]["rules"]] == ["document", "spec.steps.hold"]
    assert run["tool"]["driver"]["rules"][error["ruleIndex"]]["id"] == error["ruleId"]
    assert (error["level"], note["level"]) == ("error", "note")
    assert error["locations"][0]["physicalLocation"]["region"] == {"startLine": 7, "startColumn": 3}
    assert error["message"]["text"].endswith("(see docs/reference.md#spec-steps-hold)")


def test_nothing_found_is_said_in_each_format() -> None:
    assert json.loads(as_code_climate([])) == []
    assert json.loads(as_sarif([]))["runs"][0]["results"] == []
    assert ET.fromstring(as_junit([])).find("testsuite/testcase") is None
