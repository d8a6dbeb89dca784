"""Findings as other programs read them: GitLab's code quality report, JUnit XML, SARIF. Pure."""

import hashlib
import json
import re
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from gate.documents.review import Finding, Severity

_CODE_CLIMATE = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}
_SARIF = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_json(findings: Sequence[Finding]) -> str:
    """A list of objects with the fields of `Finding`."""
    return json.dumps([asdict(each) for each in findings], indent=2)


def as_code_climate(findings: Sequence[Finding]) -> str:
    """GitLab's `artifacts:reports:codequality`: what it shows beside the changed lines of a merge request."""
    return json.dumps([_issue(each) for each in findings], indent=2)


def _issue(finding: Finding) -> Mapping[str, Any]:
    return {
        "type": "issue",
        "check_name": _rule(finding),
        "description": _sentence(finding),
        "content": {"body": f"See {finding.see}."},
        "severity": _CODE_CLIMATE[finding.severity],
        "fingerprint": _fingerprint(finding),
        "location": {"path": finding.place.file, "lines": {"begin": finding.place.line}},
    }


def as_junit(findings: Sequence[Finding]) -> str:
    """A test case for each file that has findings; errors fail it, the rest is what it printed."""
    by_file: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_file[finding.place.file].append(finding)
    failed = sum(any(each.severity is Severity.ERROR for each in found) for found in by_file.values())
    suites = ET.Element("testsuites")
    suite = ET.SubElement(suites, "testsuite", name="chaos-gate lint", tests=str(len(by_file)), failures=str(failed))
    for file, found in by_file.items():
        case = ET.SubElement(suite, "testcase", classname="chaos-gate lint", name=file, file=file)
        errors = [each for each in found if each.severity is Severity.ERROR]
        if errors:
            failure = ET.SubElement(case, "failure", message=_clean(_sentence(errors[0])))
            failure.text = _clean("\n".join(map(_line, errors)))
        others = [each for each in found if each.severity is not Severity.ERROR]
        if others:
            ET.SubElement(case, "system-out").text = _clean("\n".join(map(_line, others)))
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True)


def as_sarif(findings: Sequence[Finding]) -> str:
    """SARIF 2.1.0: one run of one tool."""
    rules = sorted({_rule(each) for each in findings})
    results = [
        {
            "ruleId": _rule(each),
            "ruleIndex": rules.index(_rule(each)),
            "level": _SARIF[each.severity],
            "message": {"text": f"{_sentence(each)} (see {each.see})"},
            "partialFingerprints": {"chaosGate/v1": _fingerprint(each)},
            "locations": [{"physicalLocation": _location(each)}],
        }
        for each in findings
    ]
    driver = {
        "name": "chaos-gate",
        "rules": [{"id": rule, "shortDescription": {"text": f"What {rule} may say."}} for rule in rules],
    }
    return json.dumps(
        {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
        },
        indent=2,
    )


FORMATS: Mapping[str, Callable[[Sequence[Finding]], str]] = {
    "json": as_json,
    "codeclimate": as_code_climate,
    "junit": as_junit,
    "sarif": as_sarif,
}
"""By the names of `chaos-gate lint --output`."""


def _location(finding: Finding) -> Mapping[str, Any]:
    region = {"startLine": finding.place.line, "startColumn": max(finding.place.column, 1)}
    return {"artifactLocation": {"uri": finding.place.file}, "region": region}


def _rule(finding: Finding) -> str:
    """What a finding is about: the field."""
    return re.sub(r"\[\d+\]", "", finding.path) or "document"


def _sentence(finding: Finding) -> str:
    return f"{finding.path}: {finding.why}" if finding.path else finding.why


def _line(finding: Finding) -> str:
    place = f"{finding.place.file}:{finding.place.line}:{finding.place.column}"
    return f"{place}: {finding.severity}: {_sentence(finding)} (see {finding.see})"


def _fingerprint(finding: Finding) -> str:
    """The same finding has the same one although lines above it came or went."""
    return hashlib.sha256(f"{finding.place.file}\0{finding.path}\0{finding.why}".encode()).hexdigest()


def _clean(text: str) -> str:
    """Without the characters that XML cannot carry."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
