"""The rollouts that are recorded: what somebody does to a Deployment, step by step, and what he waits for.

Each step waits until the controllers have nothing more to say, so that a rollout is the same story whenever it is
played. What has to stay in the middle of a rollout stays there because its pods never become ready.
"""

from collections.abc import Callable
from typing import Any

from tests.samples.playing import Object, Play


def deployment(pods: str = "", *, replicas: int = 3, **spec: Any) -> Object:
    """The Deployment `web` of `web:1`, whose pods do what the annotation `pods` says (see stages.yaml)."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": {"team": "shop"}, "annotations": {"example.com/owner": "shop"}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(1, {"chaosgate.dev/pod": pods} if pods else {}),
            **spec,
        },
    }


def template(version: int, annotations: Object) -> Object:
    """Pods take some time to come and to go, or else the controllers would see only now and then that they are not."""
    slow = {"chaosgate.dev/pod-after": "100ms", "chaosgate.dev/pod-ends-after": "100ms"}
    return {
        "metadata": {"labels": {"app": "web"}, "annotations": {**slow, **annotations}},
        "spec": {"containers": [{"name": "web", "image": f"web:{version}", "ports": [{"containerPort": 8080}]}]},
    }


def good(play: Play) -> None:
    """Created and upgraded, both without trouble."""
    _begin(play)
    _upgrade(play, 2)
    play.until_deployment(is_complete)


def stuck(play: Play) -> None:
    """Upgraded to a version that never becomes ready, until its progress deadline is over."""
    _begin(play, progressDeadlineSeconds=2)
    _upgrade(play, 2, "never-ready")
    play.until_deployment(is_late)


def rescued(play: Play) -> None:
    """Stuck beyond the progress deadline, then upgraded to a version that works."""
    stuck(play)
    _upgrade(play, 3)
    play.until_deployment(is_complete)


def superseded(play: Play) -> None:
    """Upgraded again while the upgrade before is still in the middle."""
    _begin(play)
    _upgrade(play, 2, "never-ready")
    play.until_deployment(has_pods(4, updated=1))
    _upgrade(play, 3)
    play.until_deployment(is_complete)


def scaled_up(play: Play) -> None:
    """Scaled from 4 to 8 in the middle of an upgrade: old and new grow by their share."""
    _begin(play, replicas=4, strategy=_rolling(surge=2, unavailable=1))
    _upgrade(play, 2, "never-ready")
    play.until_deployment(has_pods(6, updated=3))
    _scale(play, 8)
    play.until_deployment(has_pods(10))


def scaled_down(play: Play) -> None:
    """Scaled from 6 to 3 in the middle of an upgrade."""
    _begin(play, replicas=6, strategy=_rolling(surge=2, unavailable=1))
    _upgrade(play, 2, "never-ready")
    play.until_deployment(has_pods(8, updated=3))
    _scale(play, 3)
    play.until_deployment(lambda each: each["spec"]["replicas"] == 3 and each["status"]["replicas"] <= 5)


def scaled(play: Play) -> None:
    """Scaled up and down between rollouts; no upgrade at all."""
    _begin(play)
    for replicas in (5, 2):
        _scale(play, replicas)
        play.until_deployment(is_complete)


def paused(play: Play) -> None:
    """Paused, upgraded and scaled while paused, resumed."""
    _begin(play)
    play.change("deployments", "web", {"spec": {"paused": True}})
    play.until_deployment(is_paused)
    _upgrade(play, 2)
    play.until_deployment(is_paused)
    _scale(play, 2)
    play.until_deployment(lambda each: each["status"].get("availableReplicas") == 2)
    play.change("deployments", "web", {"spec": {"paused": None}})
    play.until_deployment(is_complete)


def paused_in_the_middle(play: Play) -> None:
    """Paused in the middle of an upgrade, and resumed with a version that works."""
    _begin(play)
    _upgrade(play, 2, "never-ready")
    play.until_deployment(has_pods(4, updated=1))
    play.change("deployments", "web", {"spec": {"paused": True}})
    play.until_deployment(is_paused)
    _upgrade(play, 3, paused=None)
    play.until_deployment(is_complete)


def recreate(play: Play) -> None:
    """The strategy Recreate: all old pods go before the first new one comes."""
    _begin(play, strategy={"type": "Recreate"})
    _upgrade(play, 2)
    play.until_deployment(is_complete)


def undone(play: Play) -> None:
    """Upgraded, and taken back as `kubectl rollout undo` does: the old ReplicaSet gets a new revision."""
    _begin(play, replicas=2)
    _upgrade(play, 2)
    play.until_deployment(is_complete)
    _upgrade(play, 1)
    play.until_deployment(is_complete)


def undone_while_stuck(play: Play) -> None:
    """Taken back after the progress deadline."""
    stuck(play)
    _upgrade(play, 1)
    play.until_deployment(is_complete)


def without_surge(play: Play) -> None:
    """maxSurge 0 and maxUnavailable 1: an old pod goes before a new one comes."""
    _begin(play, strategy=_rolling(surge=0, unavailable=1))
    _upgrade(play, 2)
    play.until_deployment(is_complete)


def empty(play: Play) -> None:
    """No replicas: upgraded without a single pod, then scaled up."""
    _begin(play, replicas=0)
    _upgrade(play, 2)
    play.until_deployment(lambda each: each["metadata"]["annotations"][REVISION] == "2" and is_complete(each))
    _scale(play, 1)
    play.until_deployment(is_complete)


def never_pulled(play: Play) -> None:
    """The first version's image cannot be pulled, until the progress deadline is over."""
    play.make("deployments", deployment(pods="never-starts", replicas=2, progressDeadlineSeconds=2))
    play.until_deployment(is_late)


def crashing(play: Play) -> None:
    """Upgraded to a version that crashes, until the progress deadline is over."""
    _begin(play, replicas=2, progressDeadlineSeconds=2)
    _upgrade(play, 2, "crashes")
    play.until_deployment(is_late)


def without_deadline(play: Play) -> None:
    """No progress deadline: there is no condition Progressing at all."""
    _begin(play, progressDeadlineSeconds=2**31 - 1)
    _upgrade(play, 2)
    play.until_deployment(is_complete)


def short_history(play: Play) -> None:
    """Upgraded three times with a revisionHistoryLimit of 1: what is older is deleted."""
    _begin(play, replicas=1, revisionHistoryLimit=1)
    for version in (2, 3, 4):
        _upgrade(play, version)
        play.until_deployment(lambda each: is_complete(each) and len(play.all("replicasets")) == 2)


SCENARIOS: dict[str, Callable[[Play], None]] = {
    play.__name__.replace("_", "-"): play
    for play in (
        *(good, stuck, rescued, superseded, scaled, scaled_up, scaled_down, paused, paused_in_the_middle, recreate),
        *(undone, undone_while_stuck, without_surge, empty, never_pulled, crashing, without_deadline, short_history),
    )
}

REVISION = "deployment.kubernetes.io/revision"


def is_complete(deployment: Object) -> bool:
    """What `kubectl rollout status` waits for."""
    status, wanted = deployment["status"], deployment["spec"]["replicas"]
    counts = ("replicas", "updatedReplicas", "availableReplicas")
    return all(status.get(count, 0) == wanted for count in counts)


def is_late(deployment: Object) -> bool:
    return _reason(deployment) == "ProgressDeadlineExceeded"


def is_paused(deployment: Object) -> bool:
    return _reason(deployment) == "DeploymentPaused"


def has_pods(total: int, *, updated: int | None = None) -> Callable[[Object], bool]:
    def holds(deployment: Object) -> bool:
        status = deployment["status"]
        return status.get("replicas") == total and updated in (None, status.get("updatedReplicas"))

    return holds


def _begin(play: Play, **more: Any) -> None:
    play.make("deployments", deployment(**more))
    play.until_deployment(is_complete)


def _upgrade(play: Play, version: int, pods: str | None = None, **more: Any) -> None:
    """In a merge patch null takes away: the annotation of the version before, or `paused`."""
    changes = {"template": template(version, {"chaosgate.dev/pod": pods}), **more}
    play.change("deployments", "web", {"spec": changes})


def _scale(play: Play, replicas: int) -> None:
    play.change("deployments", "web", {"spec": {"replicas": replicas}})


def _rolling(*, surge: int, unavailable: int) -> Object:
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}


def _reason(deployment: Object) -> str:
    conditions = deployment["status"].get("conditions", [])
    return next((str(each["reason"]) for each in conditions if each["type"] == "Progressing"), "")
