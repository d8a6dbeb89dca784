"""What follows when something has moved: the status of its pipeline, a merge request's head, and the webhooks."""

from collections.abc import Callable

from gate.sandbox.gitlab import hosting, merging
from gate.sandbox.gitlab.background import Background
from gate.sandbox.gitlab.model import FINISHED, Deployment, MergeRequest, Pipeline, Project, Row, User
from gate.sandbox.gitlab.state import State
from gate.sandbox.gitlab.webhooks import payloads
from gate.sandbox.gitlab.webhooks.delivering import Event, Webhooks

MOST_COMMITS = 20
"""How many commits a push tells of."""
Ended = Callable[[Project, Pipeline], None]


class Progress:
    """Called with the state's lock held. Pipelines are added up in the background, so they lag behind their rows."""

    def __init__(self, state: State, background: Background, webhooks: Webhooks, url: str) -> None:
        self._state, self._background, self._webhooks, self._url = state, background, webhooks, url
        self.ended: list[Ended] = []
        """Who wants to know that a pipeline is over."""

    def touched(self, project: Project, pipeline: Pipeline) -> None:
        """Rows of the pipeline changed, or it is new."""
        self._background.soon(lambda: self._look(project, pipeline))

    def moved(self, project: Project, pipeline: Pipeline, row: Row) -> None:
        """A job changed its status."""
        title = self._title(project, pipeline.sha)
        told = payloads.job(row, pipeline, project, self._state, self._url, title)
        self._webhooks.announce(project, Event.JOB, told)
        self.touched(project, pipeline)

    def deployed(self, project: Project, deployment: Deployment) -> None:
        """A deployment changed its status."""
        deployment.updated_at = self._state.now()
        title = self._title(project, deployment.sha)
        told = payloads.deployment(deployment, project, self._state, self._url, title)
        self._webhooks.announce(project, Event.DEPLOYMENT, told)

    def pushed(self, project: Project, user: User, *, ref: str, before: str, after: str) -> None:
        """A branch or tag moved, began or ended; an id of zeros stands for nothing."""
        range_ = () if after == payloads.NOTHING else hosting.titles(project.repository, before, after, MOST_COMMITS)
        commits = [payloads.commit(sha, title, project, self._url) for sha, title in range_]
        told = payloads.push(project, self._url, user, ref=ref, before=before, after=after, commits=commits)
        event = Event.TAG if ref.startswith("refs/tags/") else Event.PUSH
        self._webhooks.announce(project, event, told, branch=ref.removeprefix("refs/heads/"))
        if event is Event.PUSH and after != payloads.NOTHING:
            for each in project.merge_requests:
                if each.state == "opened" and f"refs/heads/{each.source_branch}" == ref:
                    each.sha = after
                    self.asked(project, each, "update")

    def asked(self, project: Project, merge_request: MergeRequest, action: str) -> None:
        """A merge request was opened or changed: hooks hear of it, and status checks are asked about it."""
        self._find_head(project, merge_request)
        title = self._title(project, merge_request.sha)
        told = payloads.merge_request(merge_request, project, self._state, self._url, title, action)
        self._webhooks.announce(project, Event.MERGE_REQUEST, told)
        if merge_request.state == "opened":
            for check in merging.checks_of(project, merge_request):
                self._webhooks.ask(check, told)

    def check_again(self, project: Project, merge_request: MergeRequest, number: int) -> None:
        """Ask one status check once more."""
        title = self._title(project, merge_request.sha)
        told = payloads.merge_request(merge_request, project, self._state, self._url, title, "update")
        for check in project.status_checks:
            if check.id == number:
                self._webhooks.ask(check, told)

    def _look(self, project: Project, pipeline: Pipeline) -> None:
        with self._state.lock:
            for each in project.merge_requests:
                if each.state == "opened":
                    self._find_head(project, each)
            if pipeline.status != (sum_ := pipeline.sum):
                self._change(project, pipeline, sum_)

    def _change(self, project: Project, pipeline: Pipeline, status: str) -> None:
        now = self._state.now()
        pipeline.status = status
        if status != "created":
            pipeline.started_at = pipeline.started_at or now
        # A pipeline that was over begins again when a row is added to it.
        pipeline.finished_at = now if status in FINISHED else None
        title = self._title(project, pipeline.sha)
        told = payloads.pipeline(pipeline, project, self._state, self._url, title)
        self._webhooks.announce(project, Event.PIPELINE, told)
        if status in FINISHED:
            for follower in self.ended:
                follower(project, pipeline)

    def _find_head(self, project: Project, merge_request: MergeRequest) -> None:
        head = merging.head_pipeline(project, merge_request)
        merge_request.head_pipeline = head.id if head else None

    def _title(self, project: Project, sha: str) -> str:
        """Only looked up for somebody who hears of it: each time costs a process."""
        return hosting.title(project.repository, sha) if project.hooks or project.status_checks else ""
