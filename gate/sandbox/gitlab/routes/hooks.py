"""Webhooks of a project: kept, tried, and their deliveries shown and sent again."""

from datetime import UTC, datetime
from typing import Any

from gate.sandbox.gitlab import hosting
from gate.sandbox.gitlab.answers import Refusal, found, missing, refused
from gate.sandbox.gitlab.asking import PROJECT, Answer, Asked, Route, Routes
from gate.sandbox.gitlab.model import Delivery, Hook, Project, Role, User
from gate.sandbox.gitlab.webhooks import payloads
from gate.sandbox.gitlab.webhooks.delivering import Event, Webhooks, alert
from gate.sandbox.gitlab.webhooks.signing import BadToken, key_of

ONE = f"{PROJECT}/hooks/<int:number>"
SECRETS = frozenset({"X-Gitlab-Token", "webhook-signature"})


class Hooks:
    """The routes of webhooks."""

    def __init__(self, asked: Asked, webhooks: Webhooks) -> None:
        self._asked, self._webhooks = asked, webhooks

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        return (
            Route(f"{PROJECT}/hooks", "GET", self._list),
            Route(f"{PROJECT}/hooks", "POST", self._create),
            Route(ONE, "GET", self._get),
            Route(ONE, "PUT", self._change),
            Route(ONE, "DELETE", self._delete),
            Route(f"{ONE}/test/<trigger>", "POST", self._test, unlocked=True),
            Route(f"{ONE}/events", "GET", self._events),
            Route(f"{ONE}/events/<int:event>/resend", "POST", self._resend, unlocked=True),
        )

    def _list(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        return self._asked.page([self._shape(project, each) for each in project.hooks])

    def _create(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        (url,) = self._asked.wanted("url")
        state = self._asked.state
        hook = Hook(id=state.next_id("hook"), url=url, events=frozenset({Event.PUSH}), created_at=state.now())
        self._apply(hook)
        project.hooks.append(hook)
        return self._shape(project, hook), 201

    def _get(self, key: str, number: int) -> Answer:
        project, hook = self._seen(key, number)
        return self._shape(project, hook)

    def _change(self, key: str, number: int) -> Answer:
        project, hook = self._seen(key, number)
        self._apply(hook)
        return self._shape(project, hook)

    def _delete(self, key: str, number: int) -> Answer:
        project, hook = self._seen(key, number)
        project.hooks.remove(hook)
        return "", 204

    def _apply(self, hook: Hook) -> None:
        given = self._asked.given()
        url = str(given.get("url", hook.url))
        if not url.startswith(("http://", "https://")):
            raise refused(422, {"url": ["is blocked: Only allowed schemes are http, https"]})
        signing = str(given.get("signing_token", hook.signing_token) or "")
        try:
            _ = signing and key_of(signing)
        except BadToken as error:
            raise refused(422, {"signing_token": [str(error)]}) from error
        chosen = {each for each in Event if self._asked.flag(each, default=each in hook.events)}
        hook.url, hook.events, hook.signing_token = url, frozenset(chosen), signing
        hook.token = str(given.get("token", hook.token) or "")
        hook.name = str(given.get("name", hook.name) or "")
        hook.branches = str(given.get("push_events_branch_filter", hook.branches) or "")
        if "custom_headers" in given:
            hook.headers = {str(each["key"]): str(each["value"]) for each in self._asked.listed("custom_headers")}

    def _test(self, key: str, number: int, trigger: str) -> Answer:
        """Send the newest thing of this kind, also to a hook that is disabled."""
        with self._asked.state.lock:
            project, hook = self._seen(key, number)
            user = self._asked.user()
            if trigger not in set(Event):
                raise Refusal(400, {"error": "trigger does not have a valid value"})
            payload = self._example(project, user, Event(trigger))
        if not self._webhooks.test(hook, Event(trigger), payload):
            raise refused(422, hook.deliveries[-1].answer or f"the receiver answered {hook.deliveries[-1].status}")
        return {"message": "201 Created"}, 201

    def _example(self, project: Project, user: User, event: Event) -> dict[str, Any]:
        state, url = self._asked.state, self._asked.url
        heads = hosting.branches(project.repository)
        if event in {Event.PUSH, Event.TAG} and heads:
            branch, sha = next(iter(heads.items()))
            ref = f"refs/{'heads' if event is Event.PUSH else 'tags'}/{branch}"
            return payloads.push(project, url, user, ref=ref, before=payloads.NOTHING, after=sha, commits=[])
        if event is Event.PIPELINE and project.pipelines:
            newest = project.pipelines[-1]
            return payloads.pipeline(newest, project, state, url, hosting.title(project.repository, newest.sha))
        if event is Event.JOB and project.pipelines and project.pipelines[-1].jobs:
            newest = project.pipelines[-1]
            title = hosting.title(project.repository, newest.sha)
            return payloads.job(newest.jobs[-1], newest, project, state, url, title)
        if event is Event.DEPLOYMENT and project.deployments:
            record = project.deployments[-1]
            return payloads.deployment(record, project, state, url, hosting.title(project.repository, record.sha))
        raise refused(422, f"Ensure the project has {event.removesuffix('_events')} to test with.")

    def _events(self, key: str, number: int) -> Answer:
        _, hook = self._seen(key, number)
        return self._asked.page([_delivery(each) for each in reversed(hook.deliveries)])

    def _resend(self, key: str, number: int, event: int) -> Answer:
        with self._asked.state.lock:
            _, hook = self._seen(key, number)
            delivery = found(next((each for each in hook.deliveries if each.id == event), None))
        self._webhooks.resend(hook, delivery)
        return {"response_status": hook.deliveries[-1].status}, 201

    def _seen(self, key: str, number: int) -> tuple[Project, Hook]:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        hook = next((each for each in project.hooks if each.id == number), None)
        if hook is None:
            raise missing()
        return project, hook

    def _shape(self, project: Project, hook: Hook) -> dict[str, Any]:
        """The secrets are never shown."""
        until = hook.disabled_until
        return {
            "id": hook.id,
            "url": hook.url,
            "name": hook.name,
            "project_id": project.id,
            "created_at": hook.created_at,
            "push_events_branch_filter": hook.branches,
            "alert_status": alert(hook, self._asked.state.clock().timestamp()),
            "disabled_until": datetime.fromtimestamp(until, UTC).isoformat() if until is not None else None,
            "custom_headers": [{"key": name} for name in hook.headers],
            **{str(each): each in hook.events for each in Event},
        }


def _delivery(each: Delivery) -> dict[str, Any]:
    return {
        "id": each.id,
        "url": each.url,
        "trigger": each.trigger,
        "request_headers": {name: "[REDACTED]" if name in SECRETS else value for name, value in each.headers.items()},
        "request_data": each.body,
        "response_status": each.status,
        "response_body": each.answer,
        "execution_duration": each.duration,
        "created_at": each.at,
    }
