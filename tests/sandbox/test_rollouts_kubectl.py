"""`kubectl rollout` says and does the same on both grounds."""

import json
import re
from typing import Any

import pytest

from tests.grounds import IMAGES, Ground


def _web(**spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": IMAGES[0]}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template, **spec},
    }


class Kubectl:
    def __init__(self, ground: Ground, namespace: str) -> None:
        self._ground = ground
        self._namespace = namespace

    def __call__(self, *arguments: str, said: Any = None, fails: bool = False) -> str:
        return self._ground.kubectl("-n", self._namespace, *arguments, said=said, fails=fails).strip()

    def rollout(self, verb: str, *more: str, fails: bool = False) -> str:
        return self("rollout", verb, "deployment/web", *more, fails=fails)

    def complete(self) -> str:
        """The last line of what is said while a rollout goes through."""
        return self.rollout("status", "--timeout=30s").splitlines()[-1]

    @property
    def image(self) -> str:
        return self("get", "deployment", "web", "-o=jsonpath={.spec.template.spec.containers[0].image}")

    @property
    def revisions(self) -> list[str]:
        return re.findall(r"^(\d+) ", self.rollout("history"), re.MULTILINE)


@pytest.fixture
def kubectl(cluster: Ground, namespace: str) -> Kubectl:
    return Kubectl(cluster, namespace)


@pytest.fixture
def web(kubectl: Kubectl) -> Kubectl:
    """With a Deployment that has been upgraded once."""
    kubectl("apply", "-f", "-", said=_web())
    assert kubectl.complete() == 'deployment "web" successfully rolled out'
    assert kubectl("set", "image", "deployment/web", f"web={IMAGES[1]}") == "deployment.apps/web image updated"
    assert kubectl.complete() == 'deployment "web" successfully rolled out'
    return kubectl


def test_undo_goes_back_by_one_or_to_a_revision_by_number(web: Kubectl) -> None:
    assert web.rollout("undo") == "deployment.apps/web rolled back"
    web.complete()
    assert (web.image, web.revisions) == (IMAGES[0], ["2", "3"])
    assert web.rollout("undo", "--to-revision=2") == "deployment.apps/web rolled back"
    web.complete()
    assert (web.image, web.revisions) == (IMAGES[1], ["3", "4"])
    assert "unable to find specified revision 9" in web.rollout("undo", "--to-revision=9", fails=True)


def test_undo_to_what_runs_already_is_skipped(web: Kubectl) -> None:
    said = web.rollout("undo", "--to-revision=2")
    assert said.startswith("deployment.apps/web skipped rollback (current template already matches revision 2)")
    assert web.revisions == ["1", "2"]


def test_a_paused_rollout_waits_until_it_is_resumed(web: Kubectl) -> None:
    assert web.rollout("pause") == "deployment.apps/web paused"
    assert "is already paused" in web.rollout("pause", fails=True)
    web("set", "image", "deployment/web", f"web={IMAGES[2]}")
    assert "you cannot rollback a paused deployment" in web.rollout("undo", fails=True)
    assert "can't restart paused deployment" in web.rollout("restart", fails=True)
    waiting = web.rollout("status", "--timeout=1s", fails=True)
    assert "Waiting for deployment" in waiting
    assert web.revisions == ["1", "2"]
    assert web.rollout("resume") == "deployment.apps/web resumed"
    assert web.complete() == 'deployment "web" successfully rolled out'
    assert web.revisions == ["1", "2", "3"]
    assert "is not paused" in web.rollout("resume", fails=True)


def test_a_restart_makes_new_pods_of_the_same_image(web: Kubectl) -> None:
    before = web("get", "pods", "-o", "name")
    assert web.rollout("restart") == "deployment.apps/web restarted"
    assert web.complete() == 'deployment "web" successfully rolled out'
    assert web.revisions == ["1", "2", "3"]
    assert web.image == IMAGES[1]
    assert not set(before.split()) & set(
        web("get", "pods", "--field-selector=status.phase=Running", "-o", "name").split()
    )


def test_history_shows_the_cause_and_the_template_of_a_revision(web: Kubectl) -> None:
    web("annotate", "deployment/web", "kubernetes.io/change-cause=a better shop")
    lines = web.rollout("history").splitlines()
    assert [line.split(maxsplit=1) for line in lines[1:]] == [
        ["REVISION", "CHANGE-CAUSE"],
        ["1", "<none>"],
        ["2", "a better shop"],
    ]
    shown = web.rollout("history", "--revision=1")
    assert "deployment.apps/web with revision #1" in shown
    assert re.search(rf"Image:\s+{IMAGES[0]}", shown)
    assert "unable to find the specified revision" in web.rollout("history", "--revision=7", fails=True)


def test_status_of_a_stuck_rollout_is_a_failure_in_words(web: Kubectl) -> None:
    stuck = {
        "spec": {
            "progressDeadlineSeconds": 1,
            "template": {
                "metadata": {"annotations": {"chaosgate.dev/pod": "never-starts"}},
                "spec": {"containers": [{"name": "web", "image": "web:none"}]},
            },
        }
    }
    web("patch", "deployment", "web", f"--patch={json.dumps(stuck)}")
    said = web.rollout("status", "--timeout=20s", fails=True)
    assert 'error: deployment "web" exceeded its progress deadline' in said
