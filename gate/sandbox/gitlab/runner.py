"""Runs the jobs of pipelines for real: a fresh clone, a shell, and the stages in their order."""

import os
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path
from queue import SimpleQueue

from gate.sandbox.gitlab import ci, hosting
from gate.sandbox.gitlab.state import FINISHED, Deployment, Pipeline, Project, Row, State, now
from gate.sandbox.kubernetes.runtime.processes import Exit, Processes, StartFailed

FILE = ".gitlab-ci.yml"


class Runner:
    """One runner for all projects. Everything it does to the state is done under the state's lock."""

    def __init__(self, state: State, url: str) -> None:
        self._state, self._url = state, url
        self._exits: SimpleQueue[Exit | None] = SimpleQueue()
        self._processes = Processes(exited=self._exits.put)
        self._running: dict[str, tuple[Project, Pipeline, Row, Path]] = {}
        self._thread = threading.Thread(target=self._follow, name="runner", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Kill every job that runs."""
        self._processes.close()
        self._exits.put(None)
        self._thread.join()

    def create(
        self, project: Project, *, sha: str, ref: str, source: str, user: int, variables: dict[str, str]
    ) -> Pipeline | None:
        """The pipeline of a commit; None if the commit has no configuration."""
        text = hosting.file(project.repository, sha, FILE)
        if text is None:
            return None
        with self._state.lock:
            pipeline = self._state.pipeline(project, sha=sha, ref=ref, source=source, user=user)
            pipeline.variables = variables
            try:
                config = ci.read(text)
            except ci.BadConfig as error:
                pipeline.yaml_errors = str(error)
                return pipeline
            ordered = sorted(config.jobs, key=lambda job: config.stages.index(job.stage))
            for job in ordered:
                if job.when != "never":
                    pipeline.rows.append(self._row(pipeline, job, config.stages.index(job.stage)))
            self.advance(project, pipeline)
        return pipeline

    def _row(self, pipeline: Pipeline, job: ci.JobConfig, stage: int) -> Row:
        return Row(
            id=self._state.next_id("row"),
            name=job.name,
            stage=job.stage,
            stage_index=stage,
            status="created",
            user=pipeline.user,
            sha=pipeline.sha,
            ref=pipeline.ref,
            pipeline=pipeline.id,
            allow_failure=job.allow_failure,
            config=job,
            environment=job.environment,
        )

    def advance(self, project: Project, pipeline: Pipeline) -> None:
        """Start, skip or hold every job whose turn has come."""
        moved = True
        while moved:
            moved = False
            for row in pipeline.jobs:
                if row.status == "created" and row.config and (fate := _fate(row, row.config, pipeline.jobs)):
                    moved = True
                    if fate == "pending":
                        self._start(project, pipeline, row, row.config)
                    else:
                        row.status = fate

    def play(self, project: Project, pipeline: Pipeline, row: Row) -> bool:
        """Start a manual job; False if it is not one that waits."""
        if row.status != "manual" or row.config is None:
            return False
        self._start(project, pipeline, row, row.config)
        return True

    def cancel(self, project: Project, pipeline: Pipeline, rows: Iterable[Row]) -> None:
        """End these jobs: what runs is killed, what waits never begins."""
        for row in rows:
            if row.status == "running":
                self._processes.kill(f"job-{row.id}")
            if row.status not in FINISHED:
                row.status = "canceled"
        self.advance(project, pipeline)

    def _start(self, project: Project, pipeline: Pipeline, row: Row, config: ci.JobConfig) -> None:
        folder = self._state.folder / "builds" / str(row.id)
        row.trace = self._state.folder / "traces" / f"{row.id}.log"
        row.trace.parent.mkdir(parents=True, exist_ok=True)
        row.status, row.started_at = "running", now()
        self._deploy(project, row, "running")
        name = f"job-{row.id}"
        self._running[name] = (project, pipeline, row, folder)
        try:
            hosting.checkout(project.repository, pipeline.sha, folder)
            script = folder.parent / f"{row.id}.sh"
            script.write_text("\n".join([f"cd '{folder}'", *config.script, ""]))
            environment = self._environment(project, pipeline, row, config, folder)
            self._processes.start(name, ("sh", "-e", str(script)), env=environment, log=row.trace)
        except (hosting.GitFailed, StartFailed, OSError) as error:
            row.trace.write_text(f"the job could not be started: {error}\n")
            self._end(name, failed=True)

    def _environment(
        self, project: Project, pipeline: Pipeline, row: Row, config: ci.JobConfig, folder: Path
    ) -> dict[str, str]:
        user = self._state.users[pipeline.user]
        reported = {key: value for job in _before(row, config, pipeline.jobs) for key, value in job.dotenv.items()}
        named = {"CI_ENVIRONMENT_NAME": config.environment, "CI_ENVIRONMENT_SLUG": config.environment}
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(folder),
            "CI": "true",
            "GITLAB_CI": "true",
            "CI_SERVER_URL": self._url,
            "CI_API_V4_URL": f"{self._url}/api/v4",
            "CI_PROJECT_ID": str(project.id),
            "CI_PROJECT_PATH": project.path,
            "CI_PROJECT_DIR": str(folder),
            "CI_COMMIT_SHA": pipeline.sha,
            "CI_COMMIT_SHORT_SHA": pipeline.sha[:8],
            "CI_COMMIT_REF_NAME": pipeline.ref,
            "CI_COMMIT_BRANCH": pipeline.ref,
            "CI_PIPELINE_ID": str(pipeline.id),
            "CI_JOB_ID": str(row.id),
            "CI_JOB_NAME": row.name,
            "CI_JOB_STAGE": row.stage,
            "GITLAB_USER_LOGIN": user.username,
            **(named if config.environment else {}),
            # The later wins, in GitLab's order of precedence.
            **config.variables,
            **reported,
            **project.variables,
            **pipeline.variables,
        }

    def _follow(self) -> None:
        while (ended := self._exits.get()) is not None:
            with self._state.lock:
                if ended.name in self._running:
                    self._end(ended.name, failed=ended.code != 0)

    def _end(self, name: str, *, failed: bool) -> None:
        project, pipeline, row, folder = self._running.pop(name)
        row.finished_at = now()
        if row.status == "running":
            row.status = "failed" if failed else "success"
            row.failure_reason = "script_failure" if failed else None
        if row.config:
            row.dotenv = _dotenv(folder, row.config.dotenv)
        self._deploy(project, row, row.status)
        shutil.rmtree(folder, ignore_errors=True)
        self.advance(project, pipeline)

    def _deploy(self, project: Project, row: Row, status: str) -> None:
        """The record of a deployment follows the job that makes it."""
        if not row.environment:
            return
        record = next((each for each in project.deployments if each.job == row.id), None)
        if record is None:
            record = Deployment(
                id=self._state.next_id("deployment"),
                iid=len(project.deployments) + 1,
                environment=row.environment,
                sha=row.sha,
                ref=row.ref,
                status=status,
                user=row.user,
                job=row.id,
            )
            project.deployments.append(record)
        record.status = status


def _fate(row: Row, config: ci.JobConfig, jobs: Iterable[Row]) -> str:
    """What becomes of a job that was created; empty while it waits."""
    before = _before(row, config, jobs)
    if any(job.status not in FINISHED and not (job.status == "manual" and job.allow_failure) for job in before):
        return ""
    good = all(job.status in {"success", "manual"} or job.allow_failure for job in before)
    if not good and config.when != "always":
        return "skipped"
    return "manual" if config.when == "manual" else "pending"


def _before(row: Row, config: ci.JobConfig, jobs: Iterable[Row]) -> list[Row]:
    """The jobs that this one waits for and has variables from: those of its `needs`, else of all earlier stages."""
    if config.needs is None:
        return [job for job in jobs if job.stage_index < row.stage_index]
    return [job for job in jobs if job.name in config.needs]


def _dotenv(folder: Path, files: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in files:
        path = folder / name
        for line in path.read_text().splitlines() if path.is_file() else []:
            key, sign, value = line.partition("=")
            if sign and key:
                found[key] = value
    return found
