"""Runs the jobs of pipelines for real: a fresh clone, their scripts, and the stages in their order."""

import secrets
import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gate.sandbox.gitlab import hosting
from gate.sandbox.gitlab.model import CHILD, FINISHED, Pipeline, Project, Row, User
from gate.sandbox.gitlab.openid.claims import claims
from gate.sandbox.gitlab.openid.keys import Keys
from gate.sandbox.gitlab.permissions import may_deploy
from gate.sandbox.gitlab.progress import Progress
from gate.sandbox.gitlab.running import surroundings
from gate.sandbox.gitlab.running.creating import FILE, NO_FILE, Cause, Creating, NotCreated
from gate.sandbox.gitlab.running.deploying import Deploying, is_approved, is_outdated, record_of
from gate.sandbox.gitlab.running.playing import BROKE, KILLED, Performance, Player, Script
from gate.sandbox.gitlab.running.turns import Turn, after, turn
from gate.sandbox.gitlab.state import State
from gate.sandbox.kubernetes.runtime.processes import StartFailed

AT_ONCE = 4
"""How many jobs are being started at a time; any number runs."""
RETRYABLE = frozenset({"success", "failed", "canceled"})


class Runner:
    """One runner for all projects. Everything it does to the state is done under the state's lock."""

    def __init__(
        self,
        state: State,
        progress: Progress,
        deploying: Deploying,
        keys: Keys,
        url: str,
        scripts: Mapping[tuple[str, str], Script],
    ) -> None:
        """`scripts`: path of a project and name of a job -> what is played in place of its script."""
        self._state, self._progress, self._deploying = state, progress, deploying
        self._keys, self._url = keys, url
        self._creating = Creating(state, deploying, url)
        self._starting = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="gitlab runner")
        self._player = Player(self._played)
        self._running: dict[str, tuple[Project, Pipeline, Row]] = {}
        self._scripts = scripts
        progress.ended.append(self._child_ended)

    def close(self) -> None:
        """Begin no more jobs, and end those that run."""
        self._starting.shutdown(cancel_futures=True)
        self._player.close()

    def create(self, project: Project, cause: Cause, *, file: str = FILE) -> Pipeline:
        """The pipeline of a commit. Raises `NotCreated`."""
        text = hosting.file(project.repository, cause.sha, file)
        if text is None:
            raise NotCreated(NO_FILE)
        with self._state.lock:
            pipeline = self._creating.pipeline(project, cause, text)
            self._progress.touched(project, pipeline)
            self.advance(project, pipeline)
        return pipeline

    def advance(self, project: Project, pipeline: Pipeline) -> None:
        """Start, skip or hold every job whose turn has come."""
        moved = True
        while moved:
            moved = False
            for row in pipeline.jobs:
                if row.status != "created" or (fate := turn(row, pipeline.jobs)) is Turn.NOT_YET:
                    continue
                moved = True
                if fate is Turn.SKIP:
                    self._move(project, pipeline, row, "skipped")
                elif fate is Turn.HOLD:
                    self._move(project, pipeline, row, "manual")
                else:
                    self._begin(project, pipeline, row)

    def playable(self, project: Project, row: Row) -> bool:
        """Whether it is a manual job that waits, or has ended and may run again; one that waits for approval is not."""
        record = record_of(project, row)
        if record is not None and record.status == "blocked" and row.status == "manual":
            return False
        is_action = row.config is not None and (row.config.when == "manual" or row.status == "manual")
        return is_action and (row.status == "manual" or row.status in RETRYABLE)

    def play(
        self, project: Project, pipeline: Pipeline, row: Row, user: User, variables: Mapping[str, str] | None = None
    ) -> Row:
        """Start a job that is playable, in the name of this user; one that has ended runs again, as a new row."""
        if row.status != "manual":
            return self.retry(project, pipeline, row, user)
        row.user, row.played, row.variables = user.id, True, variables or {}
        self._begin(project, pipeline, row)
        return row

    def retry(self, project: Project, pipeline: Pipeline, row: Row, user: User) -> Row:
        """Run a job that has ended once more, as a new row in place of it; what was skipped after it waits again."""
        if row.config is None:
            raise ValueError(f"{row.name} is an external status, not a job")
        again = self._creating.row(project, pipeline, row.config, row.stage_index)
        again.user, again.played = user.id, True
        row.retried = True
        pipeline.rows.append(again)
        for later in after(again, pipeline.jobs):
            if later.status == "skipped":
                self._move(project, pipeline, later, "created")
        self._begin(project, pipeline, again)
        return again

    def cancel(self, project: Project, pipeline: Pipeline, rows: Iterable[Row]) -> None:
        """End these jobs: what runs is killed, what waits never begins."""
        for row in rows:
            if row.status == "running":
                self._player.end(f"job-{row.id}")
            if row.status not in FINISHED:
                self._move(project, pipeline, row, "canceled")
        self.advance(project, pipeline)

    def reject(self, project: Project, pipeline: Pipeline, row: Row) -> None:
        """Drop a job whose deployment was rejected."""
        self._fail(project, pipeline, row, "deployment_rejected")
        self.advance(project, pipeline)

    def _begin(self, project: Project, pipeline: Pipeline, row: Row) -> None:
        """Start a job unless its environment is in the way."""
        record = record_of(project, row)
        if record is not None and not may_deploy(
            project, self._state.users[row.user], record.environment, self._state.groups
        ):
            self._fail(project, pipeline, row, "protected_environment_failure")
        elif record is not None and not is_approved(project, record):
            self._move(project, pipeline, row, "manual")
        elif is_outdated(project, row):
            self._fail(project, pipeline, row, "failed_outdated_deployment_job")
        elif row.config is not None and row.config.child:
            self._begin_child(project, pipeline, row, row.config.child)
        else:
            self._move(project, pipeline, row, "pending")
            name = f"job-{row.id}"
            self._running[name] = (project, pipeline, row)
            self._starting.submit(self._start, name, project, pipeline, row)

    def _begin_child(self, project: Project, pipeline: Pipeline, row: Row, file: str) -> None:
        cause = Cause(
            sha=pipeline.sha,
            ref=pipeline.ref,
            source=CHILD,
            user=row.user,
            tag=pipeline.tag,
            merge_request=pipeline.merge_request,
            variables=row.config.variables if row.config else {},
            parent=row.id,
        )
        self._move(project, pipeline, row, "running")
        try:
            child = self.create(project, cause, file=file)
        except NotCreated:
            self._fail(project, pipeline, row, "downstream_pipeline_creation_failed")
            return
        row.downstream = child.id
        if row.config and not row.config.depends:
            self._move(project, pipeline, row, "success")

    def _child_ended(self, project: Project, child: Pipeline) -> None:
        row = project.row(child.parent or 0)
        pipeline = project.pipeline(row.pipeline) if row else None
        if row is not None and pipeline is not None and row.status == "running":
            self._move(project, pipeline, row, "failed" if child.status == "failed" else child.status)
            self.advance(project, pipeline)

    def _start(self, name: str, project: Project, pipeline: Pipeline, row: Row) -> None:
        """On a thread of the runner's: the lock is not held while git clones."""
        log, folder = self._log(row), self._folder(row)
        failure: Exception | None = None
        try:
            hosting.checkout(project.repository, pipeline.sha, folder)
        except (hosting.GitFailed, OSError) as error:
            failure = error
        if row.config and row.config.id_tokens:
            self._keys.public()  # made now, if they have to be
        with self._state.lock:
            if row.status != "pending":  # canceled meanwhile
                self._end(name, KILLED)
                return
            self._move(project, pipeline, row, "running")
            try:
                if failure is not None:
                    raise failure
                self._play(name, project, pipeline, row)
            except (hosting.GitFailed, StartFailed, OSError) as error:
                log.write_text(f"the job could not be started: {error}\n")
                self._end(name, BROKE)

    def _play(self, name: str, project: Project, pipeline: Pipeline, row: Row) -> None:
        log, folder = self._log(row), self._folder(row)
        own = self._tokens(project, pipeline, row)
        variables = surroundings.of_job(self._state, project, pipeline, row, url=self._url, folder=folder, own=own)
        if (act := self._scripts.get((project.path, row.name))) is not None:
            self._player.perform(name, act, Performance(variables=variables, folder=folder, log=log))
            return
        script = folder.parent / f"{row.id}.sh"
        script.write_text("\n".join([f"cd '{folder}'", *(row.config.script if row.config else ()), ""]))
        self._player.run(name, script, variables=variables, log=log)

    def _log(self, row: Row) -> Path:
        row.trace = self._state.folder / "traces" / f"{row.id}.log"
        row.trace.parent.mkdir(parents=True, exist_ok=True)
        return row.trace

    def _folder(self, row: Row) -> Path:
        return self._state.folder / "builds" / str(row.id)

    def _tokens(self, project: Project, pipeline: Pipeline, row: Row) -> dict[str, str]:
        """The job's own token, and the JWTs that it asks for."""
        secret = f"glcbt-{secrets.token_hex(10)}"
        self._state.job_tokens[secret] = (project, row.user)
        made = {"CI_JOB_TOKEN": secret}
        for variable, audience in (row.config.id_tokens if row.config else {}).items():
            told = claims(self._state, project, pipeline, row, issuer=self._url, audience=audience)
            made[variable] = self._keys.jwt(told)
        row.token = secret
        return made

    def _played(self, name: str, code: int) -> None:
        with self._state.lock:
            if name in self._running:
                self._end(name, code)

    def _end(self, name: str, code: int) -> None:
        project, pipeline, row = self._running.pop(name)
        folder = self._folder(row)
        self._state.job_tokens.pop(row.token, None)
        if row.config:
            row.dotenv = _dotenv(folder, row.config.dotenv)
        if row.status == "running" and code:
            self._fail(project, pipeline, row, "script_failure")
        elif row.status == "running":
            self._move(project, pipeline, row, "success")
        shutil.rmtree(folder, ignore_errors=True)
        self.advance(project, pipeline)

    def _fail(self, project: Project, pipeline: Pipeline, row: Row, reason: str) -> None:
        row.failure_reason = reason
        self._move(project, pipeline, row, "failed")

    def _move(self, project: Project, pipeline: Pipeline, row: Row, status: str) -> None:
        row.status = status
        if status == "running":
            row.started_at = self._state.now()
        row.finished_at = self._state.now() if status in FINISHED else None
        self._deploying.follow(project, row)
        self._progress.moved(project, pipeline, row)


def _dotenv(folder: Path, files: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in files:
        path = folder / name
        for line in path.read_text().splitlines() if path.is_file() else []:
            key, sign, value = line.partition("=")
            if sign and key:
                found[key] = value
    return found
