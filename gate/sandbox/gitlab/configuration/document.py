"""`.gitlab-ci.yml` as far as the sandbox runs it; what it does not know is an error of the pipeline. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

import yaml

from gate.sandbox.gitlab.configuration import rules
from gate.sandbox.gitlab.configuration.keywords import BadConfig, known, one_of, text, texts, truth, variables
from gate.sandbox.gitlab.configuration.rules import Rule

STAGES = ("build", "test", "deploy")
"""The stages of a file that names none; `.pre` and `.post` are not there."""

GLOBAL = {"stages", "variables"}
IGNORED = {"image", "interruptible", "retry", "timeout"}
"""Known, and without effect: jobs run in a shell of this machine, once, until they end."""
JOB = IGNORED | {
    *("stage", "script", "variables", "environment", "needs", "when", "allow_failure", "artifacts", "rules"),
    *("id_tokens", "trigger"),
}
WHEN = ("on_success", "on_failure", "always", "manual", "never")
ACTIONS = ("start", "prepare", "verify", "access")
"""What a job may do to its environment; only the first is a deployment. `stop` is not there."""
TIERS = ("production", "staging", "testing", "development", "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobConfig:
    """One job, or with `child` a bridge to a pipeline of that file."""

    name: str
    stage: str
    script: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    environment: str = ""
    action: str = "start"
    tier: str = ""
    environment_url: str | None = None
    needs: tuple[str, ...] | None = None
    when: str = "on_success"
    allow_failure: bool = False
    rules: tuple[Rule, ...] | None = None
    dotenv: tuple[str, ...] = ()
    junit: tuple[str, ...] = ()
    id_tokens: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Variable -> audience of the JWT in it."""
    child: str = ""
    depends: bool = False
    """The bridge waits for the child pipeline, and ends as it does."""

    @property
    def deploys(self) -> bool:
        """Whether its run is a deployment."""
        return bool(self.environment) and self.action == "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole file."""

    stages: tuple[str, ...]
    jobs: tuple[JobConfig, ...]


def read(content: str) -> Config:
    """Raises `BadConfig`."""
    try:
        data = yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise BadConfig(f"Invalid configuration format: {error}") from error
    if not isinstance(data, dict):
        raise BadConfig("Invalid configuration format")
    stages = texts(data.get("stages", list(STAGES)), "stages")
    common = variables(data.get("variables", {}), "variables")
    jobs = tuple(
        _job(name, body, stages, common)
        for name, body in data.items()
        if name not in GLOBAL and not str(name).startswith(".")
    )
    if not jobs:
        raise BadConfig("jobs config should contain at least one visible job")
    _check_needs(jobs)
    return Config(stages=stages, jobs=jobs)


def chosen(config: Config, given: Mapping[str, str], *, merge_request: bool) -> list[JobConfig]:
    """The jobs that a pipeline with these variables has, by stage, each with what its rules say.

    A job without rules is for branches and tags, not for merge requests.
    """
    picked = []
    for job in sorted(config.jobs, key=lambda job: config.stages.index(job.stage)):
        if job.rules is None:
            if job.when != "never" and not merge_request:
                picked.append(job)
        elif rule := rules.first_that_holds(job.rules, {**job.variables, **given}):
            allow = job.allow_failure if rule.allow_failure is None else rule.allow_failure
            picked.append(replace(job, when=rule.when, allow_failure=allow))
    return picked


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


def _job(name: Any, body: Any, stages: tuple[str, ...], common: Mapping[str, str]) -> JobConfig:
    where = f"jobs:{name}"
    if not isinstance(name, str):
        raise BadConfig(f"{where}: the name of a job has to be a string; put it in quotes")
    if not isinstance(body, dict) or not ({"script", "trigger"} & set(body)):
        raise BadConfig(f"{where} config should implement the script:, or trigger: keyword")
    known(body, JOB, where)
    stage = body.get("stage", "test")
    if stage not in stages:
        raise BadConfig(f"{where} stage is {stage}, not one of {', '.join(stages)}")
    when = one_of(body.get("when", "on_success"), WHEN, f"{where} when")
    reports = _reports(body.get("artifacts", {}), where)
    # Without `rules`, a manual job does not hold the pipeline unless it says so.
    optional = when == "manual" and "rules" not in body
    return JobConfig(
        name=name,
        stage=stage,
        script=texts(body.get("script", []), f"{where} script"),
        variables={**common, **variables(body.get("variables", {}), where)},
        needs=_needs(body.get("needs"), where),
        when=when,
        allow_failure=truth(body.get("allow_failure", optional), f"{where} allow_failure"),
        rules=rules.read(body["rules"], where) if "rules" in body else None,
        dotenv=texts(reports.get("dotenv", []), f"{where} dotenv"),
        junit=texts(reports.get("junit", []), f"{where} junit"),
        id_tokens=_id_tokens(body.get("id_tokens", {}), where),
        **_environment(body.get("environment", ""), where),
        **_trigger(body.get("trigger"), where),
    )


def _reports(artifacts: Any, where: str) -> Mapping[str, Any]:
    known(artifacts, {"when", "reports", "paths", "expire_in"}, f"{where}:artifacts")
    reports = artifacts.get("reports", {})
    known(reports, {"junit", "dotenv", "annotations", "metrics"}, f"{where}:artifacts:reports")
    return dict(reports)


def _needs(value: Any, where: str) -> tuple[str, ...] | None:
    if value is None or isinstance(value, str):
        return value if value is None else (value,)
    if not isinstance(value, list):
        raise BadConfig(f"{where} needs config can only be a hash or an array")
    for each in value:
        if isinstance(each, dict):
            known(each, {"job", "artifacts"}, f"{where}:needs:need")
    return texts([each.get("job") if isinstance(each, dict) else each for each in value], f"{where} needs")


def _environment(value: Any, where: str) -> dict[str, Any]:
    if isinstance(value, str):
        return {"environment": value}
    if not isinstance(value, dict):
        raise BadConfig(f"{where}:environment config should be a hash or a string")
    at = f"{where}:environment"
    known(value, {"name", "url", "action", "deployment_tier"}, at)
    return {
        "environment": text(value.get("name", ""), f"{at} name"),
        "environment_url": value.get("url"),
        "action": one_of(value.get("action", "start"), ACTIONS, f"{at} action"),
        "tier": one_of(value["deployment_tier"], TIERS, f"{at} deployment_tier") if "deployment_tier" in value else "",
    }


def _id_tokens(value: Any, where: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise BadConfig(f"{where}:id_tokens config should be a hash")
    for name, each in value.items():
        known(each, {"aud"}, f"{where}:id_tokens:{name}")
    return {str(name): texts(each.get("aud"), f"{where}:id_tokens:{name} aud") for name, each in value.items()}


def _trigger(value: Any, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    at = f"{where}:trigger"
    known(value, {"include", "strategy"}, at)
    include = value.get("include")
    if isinstance(include, list) and len(include) == 1:
        include = include[0]
    if isinstance(include, dict):
        known(include, {"local"}, f"{at}:include")
        include = include.get("local")
    strategy = value.get("strategy")
    return {
        "child": text(include, f"{at}:include"),
        "depends": strategy is not None and bool(one_of(strategy, ("depend", "mirror"), f"{at} strategy")),
    }


__all__ = ["BadConfig", "Config", "JobConfig", "chosen", "read"]
