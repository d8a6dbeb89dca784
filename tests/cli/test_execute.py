"""`chaos-gate execute` says in one line why a run cannot be executed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from gate.cli import USAGE
from gate.cli.execute import execute
from gate.sandbox.kubernetes.cluster import Kubernetes


@pytest.mark.parametrize("run", ["checkout", "shop/", "/checkout", "shop/checkout/1"])
def test_a_run_is_named_with_its_namespace(run: str) -> None:
    done = CliRunner().invoke(execute, [run])
    assert done.exit_code == USAGE
    assert "is not NAMESPACE/RUN" in done.output


def test_a_run_that_is_not_there_is_named(kubernetes: Kubernetes, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(kubernetes.kubeconfig())
    done = subprocess.run(
        [sys.executable, "-m", "gate.cli", "execute", "default/nothing"],
        env={"PATH": os.defpath, "KUBECONFIG": str(kubeconfig)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == USAGE
    assert "error: there is no ChaosRun default/nothing" in done.stderr.splitlines()[-1]
