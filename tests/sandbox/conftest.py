"""What the sandbox's tests share: waiting for something with a deadline, and objects to begin with."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from pod_world import Pods

from tests.grounds import Ground
from tests.waiting import pauses

PATIENCE = 30.0
"""Seconds after which a test gives up waiting."""

Found = TypeVar("Found")


@pytest.fixture
def eventually() -> Callable[[Callable[[], Found]], Found]:
    """Ask again and again until the answer is true, and give it; an exception counts as no, the last one is shown."""

    def wait(question: Callable[[], Found]) -> Found:
        deadline = time.monotonic() + PATIENCE
        pause = pauses()
        while True:
            failure: Exception | None = None
            answer = None
            try:
                answer = question()
            except (LookupError, OSError, AssertionError, ValueError) as error:
                failure = error
            if answer:
                return answer
            if time.monotonic() > deadline:
                raise AssertionError(f"did not come true within {PATIENCE} s; last answer: {answer!r}") from failure
            time.sleep(next(pause))

    return wait


@pytest.fixture
def deployment() -> Callable[..., dict[str, Any]]:
    """Makes a Deployment `web` in the namespace `default`."""

    def make(image: str = "web:1", *, replicas: int = 3, container: Any = None, **spec: Any) -> dict[str, Any]:
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{"name": "web", "image": image, **(container or {})}]},
                },
                **spec,
            },
        }

    return make


@pytest.fixture
def service() -> dict[str, Any]:
    """The Service `web` in front of the Deployment."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 8080}]},
    }


@pytest.fixture
def pods(sandbox: Ground, eventually: Callable[[Callable[[], Any]], Any]) -> Pods:
    """The pods of a fresh sandbox."""
    return Pods(sandbox, eventually)
