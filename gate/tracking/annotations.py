"""The annotations with which a deploy job says where a workload's version comes from."""

import re
from collections.abc import Mapping

from gate.errors import Permanent
from gate.model import Commit

PREFIX = "chaosgate.dev/"
PROJECT = f"{PREFIX}project"
COMMIT = f"{PREFIX}commit"
PIPELINE = f"{PREFIX}pipeline"
JOB = f"{PREFIX}job"

HINTS = {PROJECT: "$CI_PROJECT_PATH", COMMIT: "$CI_COMMIT_SHA", PIPELINE: "$CI_PIPELINE_ID", JOB: "$CI_JOB_ID"}
"""The annotations, each with the variable of GitLab that it is written from."""


def commit_from(annotations: Mapping[str, str]) -> Commit | None:
    """The commit that the annotations name; None if there are none of ours.

    Raises `Permanent` with the annotation's name, its value and what should stand there. Half an answer is an error: a
    guess could put a verdict on another commit.
    """
    given = {name: annotations[name].strip() for name in HINTS if annotations.get(name, "").strip()}
    if not given:
        return None
    project = _matching(
        given,
        PROJECT,
        r"[0-9]+|\w[\w.-]*(/\w[\w.-]*)+",
        "the path of a GitLab project, such as shop/checkout, or its id",
    )
    sha = _matching(given, COMMIT, r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}", "a whole commit id of 40 hex digits").lower()
    return Commit(project=project, sha=sha, pipeline=_number(given, PIPELINE), job=_number(given, JOB))


def _matching(given: Mapping[str, str], name: str, pattern: str, what: str) -> str:
    value = given.get(name)
    if value is None:
        beside = ", ".join(given)
        raise Permanent(
            f"the annotation {name} is missing beside {beside}; the deploy job must write {name}={HINTS[name]}"
        )
    if not re.fullmatch(pattern, value):
        raise Permanent(
            f"the annotation {name} is {value[:80]!r}, not {what}; the deploy job must write {name}={HINTS[name]}"
        )
    return value


def _number(given: Mapping[str, str], name: str) -> int | None:
    return int(_matching(given, name, r"[1-9]\d{0,17}", "a number")) if name in given else None
