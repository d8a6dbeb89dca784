"""Sends events to hooks: once each, ten seconds at most, and not to a hook that keeps failing."""

import json
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import requests

from gate.sandbox.gitlab.model import Delivery, Hook, Project, StatusCheck
from gate.sandbox.gitlab.state import State
from gate.sandbox.gitlab.webhooks.signing import standard, status_check

TIMEOUT = 10.0
"""Seconds that a receiver has."""
PAUSE_AFTER, STOP_AFTER = 4, 40
"""Failures in a row after which a hook is disabled: for a time, and until a test of it succeeds."""
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 24 * 3600.0
"""Seconds; each further failure doubles the pause."""
KEPT_ANSWER = 8 * 1024
KEPT_DELIVERIES = 500
INTERNAL_ERROR = "internal error"
AGENT = "GitLab/18.9.0"


class Event(StrEnum):
    """What a hook can hear of; the value is the name of its switch."""

    PUSH = "push_events"
    TAG = "tag_push_events"
    MERGE_REQUEST = "merge_requests_events"
    PIPELINE = "pipeline_events"
    JOB = "job_events"
    DEPLOYMENT = "deployment_events"


HEADERS = {
    Event.PUSH: "Push Hook",
    Event.TAG: "Tag Push Hook",
    Event.MERGE_REQUEST: "Merge Request Hook",
    Event.PIPELINE: "Pipeline Hook",
    Event.JOB: "Job Hook",
    Event.DEPLOYMENT: "Deployment Hook",
}
"""What `X-Gitlab-Event` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: str
    text: str
    good: bool
    seconds: float


def alert(hook: Hook, now: float) -> str:
    """GitLab's `alert_status`."""
    if hook.failures >= STOP_AFTER:
        return "disabled"
    return "temporarily_disabled" if hook.disabled_until is not None and now < hook.disabled_until else "executable"


class Webhooks:
    """All that goes out. What a hook should hear is sent soon, by one of a few threads, in no order that counts."""

    def __init__(self, state: State, url: str, *, timeout: float = TIMEOUT) -> None:
        self._state, self._url, self._timeout = state, url, timeout
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="gitlab webhooks")

    def close(self) -> None:
        """Send nothing more, and wait for what is under way."""
        self._pool.shutdown(cancel_futures=True)

    def announce(self, project: Project, event: Event, payload: Mapping[str, Any], *, branch: str = "") -> None:
        """Tell every hook of the project that wants to hear of it and is not disabled."""
        for hook in project.hooks:
            if event not in hook.events or alert(hook, self._now()) != "executable":
                continue
            if branch and hook.branches and branch != hook.branches:
                continue
            self._pool.submit(self._deliver, hook, HEADERS[event], json.dumps(payload), str(uuid.uuid4()))

    def resend(self, hook: Hook, delivery: Delivery) -> None:
        """Send an event again, under the same key. Returns when it has been answered."""
        self._deliver(hook, delivery.trigger, delivery.body, delivery.key)

    def test(self, hook: Hook, event: Event, payload: Mapping[str, Any]) -> bool:
        """Send an event now, also to a hook that is disabled; whether it was taken."""
        return self._deliver(hook, HEADERS[event], json.dumps(payload), str(uuid.uuid4())).good

    def ask(self, check: StatusCheck, payload: Mapping[str, Any]) -> None:
        """Tell an external status check of a merge request."""
        rule = {"id": check.id, "name": check.name, "external_url": check.external_url}
        body = json.dumps({**payload, "external_approval_rule": rule}).encode()
        headers = {"Content-Type": "application/json", "User-Agent": AGENT, **status_check(check.secret, body)}
        self._pool.submit(self._post, check.external_url, body, headers)

    def _now(self) -> float:
        return self._state.clock().timestamp()

    def _deliver(self, hook: Hook, trigger: str, body: str, key: str) -> _Answer:
        headers = self._headers(hook, trigger, body, key)
        answer = self._post(hook.url, body.encode(), headers)
        with self._state.lock:
            hook.deliveries.append(
                Delivery(
                    id=self._state.next_id("delivery"),
                    trigger=trigger,
                    url=hook.url,
                    key=key,
                    body=body,
                    headers=headers,
                    status=answer.status,
                    answer=answer.text,
                    at=self._state.now(),
                    duration=answer.seconds,
                )
            )
            del hook.deliveries[:-KEPT_DELIVERIES]
            self._count(hook, good=answer.good)
        return answer

    def _count(self, hook: Hook, *, good: bool) -> None:
        if good:
            hook.failures, hook.pauses, hook.disabled_until = 0, 0, None
            return
        hook.failures += 1
        if hook.failures >= PAUSE_AFTER:
            hook.disabled_until = self._now() + min(LONGEST_PAUSE, FIRST_PAUSE * 2**hook.pauses)
            hook.pauses += 1

    def _headers(self, hook: Hook, trigger: str, body: str, key: str) -> dict[str, str]:
        headers = {
            **hook.headers,
            "Content-Type": "application/json",
            "User-Agent": AGENT,
            "X-Gitlab-Event": trigger,
            "X-Gitlab-Instance": self._url,
            "X-Gitlab-Webhook-UUID": str(uuid.uuid4()),
            "X-Gitlab-Event-UUID": str(uuid.uuid4()),
            "Idempotency-Key": key,
        }
        if hook.token:
            headers["X-Gitlab-Token"] = hook.token
        if hook.signing_token:
            timestamp = str(int(self._now()))
            headers |= standard(hook.signing_token, number=key, timestamp=timestamp, body=body.encode())
        return headers

    def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> _Answer:
        """One attempt. What goes wrong on the way is an answer too."""
        begin = time.monotonic()
        try:
            with requests.Session() as session:
                session.trust_env = False  # nothing on loopback is reached through a proxy
                answer = session.post(url, data=body, headers=headers, timeout=self._timeout, allow_redirects=False)
        except requests.RequestException as error:
            return _Answer(status=INTERNAL_ERROR, text=str(error), good=False, seconds=time.monotonic() - begin)
        return _Answer(
            status=str(answer.status_code),
            text=answer.text[:KEPT_ANSWER],
            good=answer.status_code < 400,
            seconds=time.monotonic() - begin,
        )
