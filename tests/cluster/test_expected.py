"""What an event shows saves a round of questions, and is believed for nothing."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from gate.cluster.workloads import Workloads, one_by_one
from gate.model import Progress, WorkloadKind, WorkloadName
from tests.builders import deployment, pod_template
from tests.grounds import Ground

Eventually = Callable[[Callable[[], object]], None]


class Stage:
    """A Deployment `web` that has rolled out, and the product's look at it."""

    def __init__(self, cluster: Ground, namespace: str) -> None:
        self._api, self._namespace = cluster.api, namespace
        self.name = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=namespace, name="web")
        self._api.create("deployments", namespace, deployment("web", namespace, template=pod_template(app="web")))
        self.rounds: list[int] = []
        """How many questions were asked at once, for each time that some were."""
        self.workloads = Workloads(self._api, together=self._counted)

    def is_complete(self) -> bool:
        self.rounds.clear()
        found = self.workloads.rollout(self.name)
        return found is not None and found.progress is Progress.COMPLETE

    def as_it_is(self) -> dict[str, Any]:
        found = self._api.get("deployments", self._namespace, "web")
        assert found
        return found

    def _counted(self, asks: Sequence[Callable[[], Any]]) -> Sequence[Any]:
        self.rounds.append(len(asks))
        return one_by_one(asks)


@pytest.fixture
def stage(cluster: Ground, namespace: str, eventually: Eventually) -> Stage:
    made = Stage(cluster, namespace)
    eventually(made.is_complete)
    return made


def test_of_what_looked_complete_in_an_event_revisions_and_pods_are_asked_with_the_workload(stage: Stage) -> None:
    pods = stage.as_it_is()["status"]["replicas"]
    assert stage.is_complete()
    assert stage.rounds == [1, 2, pods]
    stage.workloads.expect(stage.name, stage.as_it_is())
    assert stage.is_complete()
    assert stage.rounds == [3, pods]


def test_what_is_expected_is_expected_once(stage: Stage) -> None:
    stage.workloads.expect(stage.name, stage.as_it_is())
    assert stage.is_complete()
    assert stage.is_complete()
    assert stage.rounds[0] == 1


def test_what_looks_unfinished_by_now_is_not_expected_any_more(stage: Stage) -> None:
    stage.workloads.expect(stage.name, stage.as_it_is())
    stage.workloads.expect(stage.name, stage.as_it_is() | {"status": {}})
    assert stage.is_complete()
    assert stage.rounds[0] == 1


def test_the_pods_of_another_workload_that_had_the_name_before_are_not_taken_for_its_own(stage: Stage) -> None:
    before = stage.as_it_is()
    before["spec"]["selector"] = {"matchLabels": {"app": "another"}}
    stage.workloads.expect(stage.name, before)
    assert stage.is_complete()
    assert stage.rounds[:2] == [3, 2]
