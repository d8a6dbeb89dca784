"""Endpoints and EndpointSlices on the sandbox say what the real ones said about the same pods.

Not compared: generation, and the annotation last-change-trigger-time, whose value is tried by itself below.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.sandbox.kubernetes.controllers.running import Controllers
from gate.sandbox.kubernetes.controllers.trigger_times import TRIGGER_TIME
from gate.sandbox.kubernetes.language.objects import lookup
from tests import grounds
from tests.grounds import Ground
from tests.samples.node import Kwok
from tests.samples.record import kept, recorded
from tests.samples.services import SCENARIOS, service
from tests.samples.stories import service_story_of


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_stands_behind_a_service_is_told_as_by_the_real_controllers(tmp_path: Path, name: str) -> None:
    with grounds.sandbox(tmp_path, images=None, parts=[Controllers, Kwok]) as (ground, _):
        played = recorded(ground, "services", name)
    assert service_story_of(played.steps) == service_story_of(kept("services", name).steps)


@pytest.mark.cluster
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_recorded_story_of_a_service_is_still_that_of_the_real_one(real: Ground, name: str) -> None:
    assert service_story_of(recorded(real, "services", name).steps) == service_story_of(kept("services", name).steps)


def test_endpoints_say_since_when_they_are_not_what_they_were(
    cluster: Ground, namespace: str, eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    core, place = f"/api/v1/namespaces/{namespace}", "metadata.annotations"
    slices = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"

    def told() -> set[str | None]:
        """Of both forms, as soon as both show the same number of endpoints."""
        old, new = cluster.ask("GET", f"{core}/endpoints/web").json(), cluster.ask("GET", slices).json()["items"][0]
        assert len(new["endpoints"] or ()) == len(old.get("subsets", ()))
        assert len(new["endpoints"] or ()) == len(cluster.ask("GET", f"{core}/pods").json()["items"])
        return {lookup(each, place, {}).get(TRIGGER_TIME) for each in (old, new)}

    made = cluster.ask("POST", f"{core}/services", service(clusterIP="None")).json()
    eventually(lambda: told() == {made["metadata"]["creationTimestamp"]})
    container = {"name": "main", "image": "web:1", "ports": [{"containerPort": 8080}]}
    pod = {"metadata": {"name": "p", "labels": {"app": "web"}}, "spec": {"containers": [container]}}
    assert cluster.ask("POST", f"{core}/pods", pod).status_code == 201

    def ready_at() -> str:
        conditions = {
            each["type"]: each for each in cluster.ask("GET", f"{core}/pods/p").json()["status"]["conditions"]
        }
        assert conditions["Ready"]["status"] == "True"
        return str(conditions["Ready"]["lastTransitionTime"])

    eventually(lambda: told() == {ready_at()})
    cluster.ask("DELETE", f"{core}/pods/p?gracePeriodSeconds=0")
    eventually(lambda: cluster.ask("GET", f"{core}/pods/p").status_code == 404 and told() == {None})
