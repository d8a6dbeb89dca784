"""`.gitlab-ci.yml` as far as the sandbox runs it; what it does not know is an error of the pipeline. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

import yaml

STAGES = ("build", "test", "deploy")
"""The stages of a file that names none; `.pre` and `.post` are not there."""

GLOBAL = {"stages", "variables"}
JOB = {"stage", "script", "variables", "environment", "needs", "when", "allow_failure", "artifacts"}
WHEN = ("on_success", "manual", "always", "never")


class BadConfig(ValueError):
    """The file cannot be run; the text is what GitLab would show in place of a pipeline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobConfig:
    """One job."""

    name: str
    stage: str
    script: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    environment: str = ""
    needs: tuple[str, ...] | None = None
    when: str = "on_success"
    allow_failure: bool = False
    dotenv: tuple[str, ...] = ()
    junit: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole file."""

    stages: tuple[str, ...]
    jobs: tuple[JobConfig, ...]


def read(text: str) -> Config:
    """Raises `BadConfig`."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadConfig(f"Invalid configuration format: {error}") from error
    if not isinstance(data, dict):
        raise BadConfig("Invalid configuration format")
    stages = tuple(_texts(data.get("stages", list(STAGES)), "stages"))
    variables = _variables(data.get("variables", {}), "variables")
    jobs = tuple(
        _job(name, body, stages, variables)
        for name, body in data.items()
        if name not in GLOBAL and not str(name).startswith(".")
    )
    if not jobs:
        raise BadConfig("jobs config should contain at least one visible job")
    _check_needs(jobs)
    return Config(stages=stages, jobs=jobs)


def _check_needs(jobs: tuple[JobConfig, ...]) -> None:
    """Every job that is needed is there, and none waits for itself."""
    needs = {job.name: job.needs or () for job in jobs}
    for name, needed in needs.items():
        if strange := sorted(set(needed) - set(needs)):
            raise BadConfig(f"'{name}' job needs '{strange[0]}' job, but it does not exist in the pipeline")
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        raise BadConfig(f"The pipeline has circular dependencies: {', '.join(error.args[1])}") from error


def _job(name: Any, body: Any, stages: tuple[str, ...], variables: Mapping[str, str]) -> JobConfig:
    where = f"jobs:{name}"
    if not isinstance(name, str):
        raise BadConfig(f"{where}: the name of a job has to be a string; put it in quotes")
    if not isinstance(body, dict) or "script" not in body:
        raise BadConfig(f"{where} config should implement the script: keyword")
    _known(body, JOB, where)
    stage, when = body.get("stage", "test"), body.get("when", "on_success")
    if stage not in stages:
        raise BadConfig(f"{where} stage is {stage}, not one of {', '.join(stages)}")
    if when not in WHEN:
        raise BadConfig(f"{where} when should be one of {', '.join(WHEN)}")
    # Without `rules`, a manual job does not hold the pipeline unless it says so.
    allow_failure = body.get("allow_failure", when == "manual")
    if not isinstance(allow_failure, bool):
        raise BadConfig(f"{where} allow_failure should be a boolean value")
    reports = _reports(body.get("artifacts", {}), where)
    needs = body.get("needs")
    return JobConfig(
        name=name,
        stage=stage,
        script=tuple(_texts(body["script"], f"{where} script")),
        variables={**variables, **_variables(body.get("variables", {}), where)},
        environment=_environment(body.get("environment", ""), where),
        needs=None if needs is None else tuple(_texts(needs, f"{where} needs")),
        when=when,
        allow_failure=allow_failure,
        dotenv=tuple(_texts(reports.get("dotenv", []), f"{where} dotenv")),
        junit=tuple(_texts(reports.get("junit", []), f"{where} junit")),
    )


def _reports(artifacts: Any, where: str) -> Mapping[str, Any]:
    _known(artifacts, {"when", "reports", "paths", "expire_in"}, f"{where}:artifacts")
    reports = artifacts.get("reports", {})
    _known(reports, {"junit", "dotenv", "annotations"}, f"{where}:artifacts:reports")
    return dict(reports)


def _environment(value: Any, where: str) -> str:
    name = value
    if isinstance(value, dict):
        _known(value, {"name", "url"}, f"{where}:environment")
        name = value.get("name", "")
    if not isinstance(name, str):
        raise BadConfig(f"{where}:environment config should be a hash or a string")
    return name


def _known(value: Any, keys: set[str], where: str) -> None:
    if not isinstance(value, dict):
        raise BadConfig(f"{where} config should be a hash")
    if strange := sorted(str(key) for key in set(value) - keys):
        raise BadConfig(
            f"{where} config contains unknown keys: {', '.join(strange)} (the sandbox knows {sorted(keys)})"
        )


def _texts(value: Any, where: str) -> list[str]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise BadConfig(f"{where} config should be a string or an array of strings")
    return items


def _variables(value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str | int) for item in value.values()):
        raise BadConfig(f"{where} variables config should be a hash of key value pairs")
    return {str(key): str(item) for key, item in value.items()}
