"""A gate that has some namespaces only needs rights in these alone, as the page for operators gives them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from gate.sandbox.kubernetes.processes import Processes
from gate.sandbox.ports import keep
from gate.sandbox.shipped import rights
from tests.leading.replicas import Place, Replica, on_control_plane, on_sandbox

HOME = "chaos-gate"


@pytest.fixture(params=["sandbox", pytest.param("control plane", marks=pytest.mark.cluster)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    ground = on_sandbox if request.param == "sandbox" else on_control_plane
    with ground(tmp_path, own=HOME) as made:
        yield made


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
    kubeconfig = place.ground.kubeconfig_of(HOME, "chaos-gate", tmp_path)
    with Processes(exited=lambda _: None) as processes, keep(("127.0.0.1", 0)) as port:
        gate = Replica("one", processes, place, tmp_path, port.getsockname()[1], kubeconfig)
        gate.until(lambda: place.executor() == gate.identity != "")
    assert "lead.begin" in gate.log
    assert "403" not in gate.log
    assert "cannot " not in gate.log
