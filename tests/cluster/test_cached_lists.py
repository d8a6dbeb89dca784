"""Pods are asked of the server's cache first, and what that says counts only where it is so now."""

from collections.abc import Callable
from typing import Any

import pytest

from gate.cluster.api import Api
from gate.cluster.said import Json
from gate.cluster.workloads import FEW, Workloads
from gate.model import Progress, Rollout, WorkloadKind, WorkloadName
from tests.builders import deployment, pod_template
from tests.grounds import IMAGES, Ground

Eventually = Callable[[Callable[[], object]], None]


class Cache:
    """A server whose cache can be made to stand still."""

    def __init__(self, api: Api) -> None:
        self._api, self._kept = api, dict[tuple[str, str], tuple[list[Json], str]]()
        self.current = 0
        """How many lists had to be of now."""

    def get(self, *which: str) -> Json | None:
        return self._api.get(*which)

    def list(self, resource: str, *, namespace: str, labels: str, cached: bool) -> tuple[list[Json], str]:
        self.current += not cached
        kept = self._kept.get((resource, namespace)) if cached else None
        return kept or self._api.list(resource, namespace, labels=labels, cached=cached)

    def stand_still(self, namespace: str) -> None:
        self._kept = {(each, namespace): self._api.list(each, namespace) for each in ("pods", "replicasets")}


class Stage:
    """A Deployment `web`, and the product's look at it."""

    def __init__(self, cluster: Ground, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace
        self.cache = Cache(cluster.api)
        looking: Any = self.cache
        self._workloads = Workloads(looking)

    def make(self, replicas: int) -> None:
        body = deployment("web", self._namespace, replicas=replicas, template=self._template(IMAGES[0]))
        self._ask("POST", "", body)

    def upgrade(self) -> None:
        patch = {"spec": {"template": self._template(IMAGES[1])}}
        self._ask("PATCH", "/web", patch, media="application/merge-patch+json")

    def rollout(self) -> Rollout:
        found = self._workloads.rollout(
            WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=self._namespace, name="web")
        )
        assert found is not None
        return found

    def is_complete_with(self, image: str) -> bool:
        found = self.rollout()
        return found.progress is Progress.COMPLETE and found.image == image

    def needs_no_current_list(self) -> bool:
        before = self.cache.current
        return self.is_complete_with(IMAGES[0]) and self.cache.current == before

    def stand_still(self) -> None:
        self.cache.stand_still(self._namespace)

    @staticmethod
    def _template(image: str) -> Json:
        made: Json = pod_template({"name": "main", "image": image}, app="web")
        made["spec"]["terminationGracePeriodSeconds"] = 0
        return made

    def _ask(self, method: str, path: str, body: Json, **more: Any) -> None:
        whole = f"/apis/apps/v1/namespaces/{self._namespace}/deployments{path}"
        answer = self._cluster.ask(method, whole, body, **more)
        assert answer.status_code in {200, 201}, answer.text


@pytest.fixture
def stage(cluster: Ground, namespace: str) -> Stage:
    return Stage(cluster, namespace)


def test_what_the_cache_says_is_confirmed_pod_by_pod_and_no_list_has_to_be_current(
    stage: Stage, eventually: Eventually
) -> None:
    stage.make(2)
    eventually(stage.needs_no_current_list)


def test_a_cache_that_is_behind_does_not_keep_the_new_version_from_being_seen(
    stage: Stage, eventually: Eventually
) -> None:
    stage.make(2)
    eventually(lambda: stage.is_complete_with(IMAGES[0]))
    stage.stand_still()
    stage.upgrade()
    eventually(lambda: stage.is_complete_with(IMAGES[1]))
    assert stage.rollout().version is not None


def test_of_more_pods_than_a_few_a_current_list_is_asked_for(stage: Stage, eventually: Eventually) -> None:
    stage.make(FEW + 1)
    eventually(lambda: stage.is_complete_with(IMAGES[0]))
    assert not stage.needs_no_current_list()
