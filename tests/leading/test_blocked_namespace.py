"""What could not be taken back is said everywhere, and keeps its namespace until a person has put it back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gate.cli import cli
from gate.sandbox.kubernetes.runtime.processes import Processes
from gate.sandbox.ports import keep
from tests.leading.replicas import Place, Replica, on_control_plane, on_sandbox
from tests.runs import left_behind


@pytest.fixture(params=["sandbox", pytest.param("control plane", marks=pytest.mark.cluster)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with on_sandbox(tmp_path) if request.param == "sandbox" else on_control_plane(tmp_path) as made:
        left_behind(made.ground.api, made.shop)
        yield made


@pytest.fixture
def gate(place: Place, tmp_path: Path) -> Iterator[Replica]:
    with Processes(exited=lambda _: None) as processes, keep(("127.0.0.1", 0)) as port:
        yield Replica("one", processes, place, tmp_path, port.getsockname()[1])


def waiting(place: Place) -> str:
    """What the run that the gate made is waiting for."""
    others = [run for run in place.runs() if run["metadata"]["name"] != "left"]
    return str(others[0].get("status", {}).get("activity", "")) if others else ""


def told(place: Place, reason: str) -> list[dict[str, Any]]:
    return [each for each in place.ground.api.list("events", place.shop)[0] if each.get("reason") == reason]


def test_it_is_told_everywhere_blocks_the_namespace_and_ends_with_a_persons_word(place: Place, gate: Replica) -> None:
    gate.until(lambda: waiting(place))
    assert waiting(place) == f"Waiting: held by run {place.shop}/left, which could not take back what it did"
    gate.until(lambda: told(place, "RevertFailed"))
    problem = gate.readyz()["problems"]["reverts"]
    assert problem.startswith(
        f"{place.shop}/left: of-another-release of Deployment {place.shop}/web could not be taken"
    )
    assert gate.readyz()["ready"]
    assert f'chaos_gate_unreverted{{namespace="{place.shop}",run="left"}} 1.0' in gate.get("/metrics").text
    assert place.executor() == ""
    words = ["override", "--reverted-by-hand", f"{place.shop}/left", "--reason", "it was never there"]
    line = CliRunner(env={"KUBECONFIG": str(place.ground.kubeconfig)})
    assert line.invoke(cli, words).exit_code == 0
    gate.until(lambda: place.executor() == gate.identity != "")
    gate.until(lambda: "reverts" not in gate.readyz()["problems"])
    assert told(place, "RevertedByHand")
