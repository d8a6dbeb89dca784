"""What a new pipeline consists of: which jobs of its file are in it, as rows that wait for their turn."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gate.sandbox.gitlab.configuration import document
from gate.sandbox.gitlab.model import MERGE_REQUEST, Pipeline, Project, Row
from gate.sandbox.gitlab.permissions import protection_of
from gate.sandbox.gitlab.running import surroundings
from gate.sandbox.gitlab.running.deploying import Deploying
from gate.sandbox.gitlab.state import State

FILE = ".gitlab-ci.yml"
NO_FILE = "Missing CI config file"
NO_JOBS = (
    "Pipeline will not run for the selected trigger. "
    "The rules configuration prevented any jobs from being added to the pipeline."
)


class NotCreated(Exception):
    """There is no pipeline; the text is GitLab's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a pipeline begins, and for what."""

    sha: str
    ref: str
    source: str
    user: int
    variables: Mapping[str, str] = field(default_factory=dict)
    tag: bool = False
    before_sha: str = "0" * 40
    merge_request: int | None = None
    source_sha: str | None = None
    parent: int | None = None


class Creating:
    """Makes pipelines. Called with the state's lock held."""

    def __init__(self, state: State, deploying: Deploying, url: str) -> None:
        self._state, self._deploying, self._url = state, deploying, url

    def pipeline(self, project: Project, cause: Cause, text: str) -> Pipeline:
        """The pipeline of this file; one that is wrong makes a failed one. Raises `NotCreated` if no job is for it."""
        made = Pipeline(
            id=self._state.next_id("pipeline"),
            iid=len(project.pipelines) + 1,
            sha=cause.sha,
            ref=cause.ref,
            source=cause.source,
            user=cause.user,
            created_at=self._state.now(),
            variables=cause.variables,
            tag=cause.tag,
            before_sha=cause.before_sha,
            merge_request=cause.merge_request,
            source_sha=cause.source_sha,
            parent=cause.parent,
        )
        try:
            config = document.read(text)
        except document.BadConfig as error:
            made.yaml_errors, made.status = str(error), "failed"
            project.pipelines.append(made)
            return made
        given = {**surroundings.of_pipeline(self._state, project, made, self._url), **cause.variables}
        jobs = document.chosen(config, given, merge_request=cause.source == MERGE_REQUEST)
        if not jobs:
            raise NotCreated(NO_JOBS)
        project.pipelines.append(made)
        for job in jobs:
            made.rows.append(self.row(project, made, job, config.stages.index(job.stage)))
        return made

    def row(self, project: Project, pipeline: Pipeline, job: document.JobConfig, stage: int) -> Row:
        """A job as it begins, with the record of its deployment."""
        made = Row(
            id=self._state.next_id("row"),
            name=job.name,
            stage=job.stage,
            stage_index=stage,
            status="created",
            user=pipeline.user,
            sha=pipeline.sha,
            ref=pipeline.ref,
            pipeline=pipeline.id,
            created_at=self._state.now(),
            protected=protection_of(project, pipeline.ref) is not None,
            allow_failure=job.allow_failure,
            config=job,
        )
        if job.deploys:
            self._state.environment(project, job.environment, url=job.environment_url, tier=job.tier)
            self._deploying.open(
                project,
                environment=job.environment,
                sha=made.sha,
                ref=made.ref,
                status="created",
                user=self._state.users[made.user],
                job=made.id,
            )
        return made
