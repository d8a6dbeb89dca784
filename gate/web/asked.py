"""What a request to `/api/v1/wait` asks, taken from its query; everything that is wrong with it is said at once."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from gate.errors import GateError
from gate.model import WorkloadKind, WorkloadName
from gate.web.answer import Question

LONGEST_POLL = 50.0
"""Seconds. Proxies on the way cut what is silent for a minute."""

_NAMES = {"namespace", "kind", "name", "project", "environment", "sha", "pipeline", "after", "timeout"}
_WORD = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


class BadQuestion(GateError):
    """The query cannot be taken; the text says why and how it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question, the answer that the asker knows already, and how many seconds it will wait for another one."""

    question: Question
    after: str = ""
    timeout: float = 0.0


def asked(query: Mapping[str, str]) -> Asked:
    """The query as a value; `BadQuestion` with all of its faults."""
    given = {name: value.strip() for name, value in query.items() if value.strip()}
    known = ", ".join(sorted(_NAMES))
    faults = [f"{name[:40]!r} is not a parameter; there are {known}" for name in sorted(given.keys() - _NAMES)]
    workload = _workload(given, faults)
    if workload is None and "project" not in given:
        faults.append("give namespace and name of a workload, or project")
    sha = given.get("sha", "").lower()
    if sha and not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", sha):
        faults.append(f"sha is {sha[:80]!r}, not a whole commit id of 40 hex digits")
    if workload is None and not sha:
        faults.append("a project has many commits; give sha as well")
    question = Question(
        workload=workload,
        project=given.get("project", ""),
        environment=given.get("environment", ""),
        sha=sha,
        pipeline=_pipeline(given, faults),
    )
    timeout = _timeout(given, faults)
    if faults:
        raise BadQuestion("; ".join(faults))
    return Asked(question=question, after=given.get("after", ""), timeout=timeout)


def _workload(given: Mapping[str, str], faults: list[str]) -> WorkloadName | None:
    if "name" not in given and "kind" not in given and "namespace" not in given:
        return None
    faults += [
        f"{name} is {given.get(name, '')[:80]!r}, not a name of Kubernetes; give namespace and name together"
        for name in ("namespace", "name")
        if not _WORD.fullmatch(given.get(name, ""))
    ]
    kind = given.get("kind", WorkloadKind.DEPLOYMENT)
    if kind not in set(WorkloadKind):
        faults.append(f"kind is {kind[:80]!r}, not one of {', '.join(WorkloadKind)}")
        return None
    return WorkloadName(kind=WorkloadKind(kind), namespace=given.get("namespace", ""), name=given.get("name", ""))


def _pipeline(given: Mapping[str, str], faults: list[str]) -> int | None:
    value = given.get("pipeline")
    if value is None:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,17}", value):
        faults.append(f"pipeline is {value[:80]!r}, not the number of a pipeline")
        return None
    if "sha" not in given:
        faults.append("a pipeline alone does not say which commit; give sha as well")
    return int(value)


def _timeout(given: Mapping[str, str], faults: list[str]) -> float:
    try:
        timeout = float(given.get("timeout", "0"))
    except ValueError:
        timeout = math.nan
    if not 0 <= timeout < math.inf:
        faults.append(f"timeout is {given.get('timeout', '')[:80]!r}, not a number of seconds from 0")
        return 0.0
    return min(timeout, LONGEST_POLL)
