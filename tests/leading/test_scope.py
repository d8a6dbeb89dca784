"""A gate that has some namespaces only judges in these alone, and needs no rights elsewhere, as the page for operators
says.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import git
import pytest
import yaml

from gate.sandbox.kubernetes.runtime.processes import Processes
from gate.sandbox.ports import keep
from gate.sandbox.shipped import rights
from tests.leading.replicas import DOCUMENTS, WEB, Place, Replica, on_control_plane, on_sandbox

HOME = "chaos-gate"
ELSEWHERE = "odd"
"""Another gate's namespace: the catalogue that both read has a subscription there, too."""


@pytest.fixture(params=["sandbox", pytest.param("control plane", marks=pytest.mark.cluster)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    ground = on_sandbox if request.param == "sandbox" else on_control_plane
    with ground(tmp_path, own=HOME) as made:
        subscribe_elsewhere(made, tmp_path / "catalogue")
        yield made


def subscribe_elsewhere(place: Place, catalogue: Path) -> None:
    labels = {"chaosgate.dev/chaos": "allowed"}
    made = place.ground.ask("POST", "/api/v1/namespaces", {"metadata": {"name": ELSEWHERE, "labels": labels}})
    assert made.status_code == 201, made.text
    place.ground.api.create("deployments", ELSEWHERE, WEB)
    text = DOCUMENTS["subscriptions/web.yaml"].replace("%s", ELSEWHERE).replace("{name: web}", "{name: other}", 1)
    (catalogue / "subscriptions" / "other.yaml").write_text(text)
    with git.Repo(catalogue) as repository:
        repository.git.add("--all")
        repository.git.commit("--quiet", "--message=another subscription")


@contextmanager
def executing(place: Place, folder: Path, kubeconfig: Path | None = None) -> Iterator[Replica]:
    """A gate of the shop's namespace, which executes a run there."""
    with Processes(exited=lambda _: None) as processes, keep(("127.0.0.1", 0)) as port:
        gate = Replica("one", processes, place, folder, port.getsockname()[1], kubeconfig)
        gate.until(lambda: place.executor() == gate.identity != "")
        yield gate


def bind_only_there(place: Place) -> None:
    """The commands of the page for operators."""
    kubectl = place.ground.kubectl
    for manifest in yaml.safe_load_all(rights().read_text()):
        kubectl("create", "-f", "-", said=manifest)
    kubectl("delete", "clusterrolebinding", "chaos-gate")
    to = ("--clusterrole", "chaos-gate", "--serviceaccount", "chaos-gate:chaos-gate")
    kubectl("create", "rolebinding", "chaos-gate", "--namespace", place.shop, *to)


def test_a_gate_of_one_namespace_judges_there_and_asks_for_nothing_elsewhere(place: Place, tmp_path: Path) -> None:
    bind_only_there(place)
    with executing(place, tmp_path, place.ground.kubeconfig_of(HOME, "chaos-gate", tmp_path)) as gate:
        pass
    assert "lead.begin" in gate.log
    assert ": 403: " not in gate.log
    assert "cannot " not in gate.log


def test_a_gate_of_one_namespace_that_may_do_everything_judges_nothing_elsewhere(place: Place, tmp_path: Path) -> None:
    with executing(place, tmp_path):
        assert place.ground.api.list("chaosgates", ELSEWHERE)[0] == []
        assert place.ground.api.list("chaosruns", ELSEWHERE)[0] == []


def test_what_is_subscribed_elsewhere_is_shown_and_is_no_problem(place: Place, tmp_path: Path) -> None:
    with executing(place, tmp_path) as gate:
        readiness = gate.readyz()
        asked = gate.get(f"/api/v1/wait?namespace={ELSEWHERE}&name=web").json()
    assert readiness["ready"]
    assert readiness["problems"] == {}
    assert readiness["outside"] == [f"subscriptions/other.yaml:7: other subscribes Deployment {ELSEWHERE}/web"]
    assert (asked["state"], ELSEWHERE in asked["message"]) == ("unseen", True)
