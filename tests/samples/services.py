"""The Services that are recorded, over pods that come, are not ready, and go."""

from collections.abc import Callable
from typing import Any

from tests.samples.playing import Object, Play
from tests.samples.rollouts import deployment, is_complete


def service(**spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "labels": {"team": "shop"}},
        "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}], **spec},
    }


def ready(play: Play) -> None:
    """Two pods become ready behind a Service that is there already; the Service is deleted."""
    play.make("services", service())
    play.make("deployments", deployment(replicas=2))
    play.until(lambda: _ready_addresses(play) == [2, 2])
    play.delete("services", "web")
    play.until(lambda: not play.all("endpoints") and not play.all("endpointslices"))


def not_ready(play: Play) -> None:
    """A pod that never becomes ready."""
    play.make("services", service())
    play.make("deployments", deployment("never-ready", replicas=1))
    play.until(lambda: _shown(play) == [1, 1])


def not_ready_but_published(play: Play) -> None:
    """The same, behind a Service that shows pods before they are ready."""
    play.make("services", service(publishNotReadyAddresses=True, clusterIP="None"))
    play.make("deployments", deployment("never-ready", replicas=1))
    play.until(lambda: _ready_addresses(play) == [1, 1])


def scaled_to_nothing(play: Play) -> None:
    """The Service comes after its pods, and they go."""
    play.make("deployments", deployment(replicas=1))
    play.until_deployment(is_complete)
    play.make("services", service())
    play.until(lambda: _ready_addresses(play) == [1, 1])
    play.change("deployments", "web", {"spec": {"replicas": 0}})
    play.until(lambda: not play.all("pods") and _shown(play) == [0, 0])


SCENARIOS: dict[str, Callable[[Play], None]] = {
    each.__name__.replace("_", "-"): each for each in (ready, not_ready, not_ready_but_published, scaled_to_nothing)
}


def _ready_addresses(play: Play) -> list[int]:
    """How many are ready in the old form and in the new one."""
    old = [len(subset.get("addresses", [])) for each in play.all("endpoints") for subset in each.get("subsets", [])]
    new = [one["conditions"]["ready"] for each in play.all("endpointslices") for one in each["endpoints"] or []]
    return [sum(old), sum(new)]


def _shown(play: Play) -> list[int]:
    """How many are shown at all."""
    subsets = [subset for each in play.all("endpoints") for subset in each.get("subsets", [])]
    old = sum(len(subset.get(key, [])) for subset in subsets for key in ("addresses", "notReadyAddresses"))
    return [old, sum(len(each["endpoints"] or []) for each in play.all("endpointslices"))]
