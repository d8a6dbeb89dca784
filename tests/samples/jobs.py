"""The Jobs that are recorded. Their pods end well by themselves, or never start and are failed by hand."""

from collections.abc import Callable
from typing import Any

from tests.samples.playing import Object, Play


def job(pods: str = "", **spec: Any) -> Object:
    annotations = {"chaosgate.dev/pod": pods} if pods else {}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "once"},
        "spec": {
            "template": {
                "metadata": {"annotations": {"chaosgate.dev/pod-after": "100ms", **annotations}},
                "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "web:1"}]},
            },
            **spec,
        },
    }


def succeeded(play: Play) -> None:
    """One pod, and it ends well."""
    play.make("jobs", job())
    play.until(lambda: _is(play, "Complete"))


def in_parallel(play: Play) -> None:
    """Five pods have to end well, two of them at a time."""
    play.make("jobs", job(completions=5, parallelism=2))
    play.until(lambda: _is(play, "Complete"))


def failed(play: Play) -> None:
    """A pod fails, and none may be tried again."""
    play.make("jobs", job("never-starts", backoffLimit=0))
    _fail_a_pod(play)
    play.until(lambda: _is(play, "Failed"))


def failed_twice(play: Play) -> None:
    """A pod fails, the next one too, and one retry was allowed."""
    play.make("jobs", job("never-starts", backoffLimit=1))
    _fail_a_pod(play)
    _fail_a_pod(play)
    play.until(lambda: _is(play, "Failed"))


def too_slow(play: Play) -> None:
    """Its pod is still there when the deadline of the Job is over."""
    play.make("jobs", job("never-starts", activeDeadlineSeconds=1))
    play.until(lambda: _is(play, "Failed") and not _unfinished(play))


def suspended(play: Play) -> None:
    """Made suspended, resumed."""
    play.make("jobs", job(suspend=True))
    play.until(lambda: _is(play, "Suspended"))
    play.change("jobs", "once", {"spec": {"suspend": False}})
    play.until(lambda: _is(play, "Complete"))


def suspended_at_work(play: Play) -> None:
    """Suspended while its pod is there. None may fail, and that one does not count as failed."""
    play.make("jobs", job("never-starts", backoffLimit=0))
    play.until(lambda: any(pod["status"].get("podIP") for pod in _unfinished(play)))
    play.change("jobs", "once", {"spec": {"suspend": True}})
    play.until(lambda: _is(play, "Suspended") and not play.get("jobs", "once")["status"]["terminating"])


def forgotten(play: Play) -> None:
    """Ends well, and is deleted a second later with its pod."""
    play.make("jobs", job(ttlSecondsAfterFinished=1))
    play.until(lambda: not play.all("jobs") and not play.all("pods"))


SCENARIOS: dict[str, Callable[[Play], None]] = {
    each.__name__.replace("_", "-"): each
    for each in (succeeded, in_parallel, failed, failed_twice, too_slow, suspended, suspended_at_work, forgotten)
}


def _is(play: Play, condition: str) -> bool:
    conditions = play.get("jobs", "once")["status"].get("conditions", [])
    held = any(each["type"] == condition and each["status"] == "True" for each in conditions)
    return held and not any("finalizers" in pod["metadata"] for pod in play.all("pods"))


def _unfinished(play: Play) -> list[Object]:
    return [pod for pod in play.all("pods") if pod["status"]["phase"] not in ("Succeeded", "Failed")]


def _fail_a_pod(play: Play) -> None:
    play.until(lambda: any(pod["status"].get("podIP") for pod in _unfinished(play)))
    (pod,) = _unfinished(play)
    at = pod["status"]["startTime"]
    ended = {"exitCode": 1, "reason": "Error", "startedAt": at, "finishedAt": at}
    (container,) = pod["status"]["containerStatuses"]
    status = {"phase": "Failed", "containerStatuses": [container | {"state": {"terminated": ended}}]}
    play.change("pods", pod["metadata"]["name"], {"status": status})
