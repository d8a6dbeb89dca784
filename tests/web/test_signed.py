"""What is handed to those who wait beside the answer: what the gate has signed of the versions that it is about."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from gate.cli.wait import wait
from gate.model import (
    Commit,
    Gate,
    GateStatus,
    Phase,
    RunEntry,
    Subscription,
    Verdict,
    WorkflowUse,
    Workload,
    WorkloadKind,
    WorkloadName,
)
from gate.web.app import create_app
from gate.web.server import Server
from tests.web.conftest import Known

SHOP = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="checkout")
SHA = "a" * 40


def gate(verdict: Verdict | None) -> Gate:
    run = RunEntry(name="r", workflow="survives", subscriptions=("checkout",))
    phase = Phase.PENDING if verdict is None else Phase.OPEN
    commit = Commit(project="shop/checkout", sha=SHA)
    status = GateStatus(phase=phase, verdict=verdict, version="v2", commit=commit, runs=(run,))
    return Gate(namespace="shop", name="g", uid="g", workload=Workload(name=SHOP, uid="w"), status=status)


@pytest.fixture
def signing(known: Known) -> Iterator[str]:
    """The address of a gate that signs by saying what it is asked for."""
    known.all_subscriptions = [
        Subscription(
            name="checkout",
            workload=SHOP,
            environment="staging",
            workflows=(WorkflowUse(name="survives"),),
            settle=timedelta(0),
            deadline=timedelta(minutes=1),
            project="shop/checkout",
        )
    ]
    now = datetime(2026, 11, 21, tzinfo=UTC)
    app = create_app(known, now=lambda: now, signed=lambda gate, version: f"{gate.workload.name.name} {version}")
    with Server(app, threads=4) as server:
        yield server.address
        known.changes.close()


def waited(address: str, file: Path, *more: str) -> int:
    arguments = ["--url", address, "--service", "shop/checkout", "--sha", SHA, "--verdict", str(file), *more]
    return CliRunner().invoke(wait, arguments).exit_code


def test_a_job_leaves_the_signed_verdict_in_a_file(known: Known, signing: str, tmp_path: Path) -> None:
    known.all_gates = [gate(Verdict.PASSED)]
    assert waited(signing, tmp_path / "verdict.json") == 0
    assert (tmp_path / "verdict.json").read_text() == "checkout v2\n"


def test_without_a_verdict_there_is_nothing_to_carry_away(known: Known, signing: str, tmp_path: Path) -> None:
    known.all_gates = [gate(None)]
    assert waited(signing, tmp_path / "verdict.json", "--timeout", "100ms") == 5
    assert not (tmp_path / "verdict.json").exists()
