"""The address of the API server, as it is shown."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from kubernetes.client import Configuration

from gate.cluster.api import Api
from gate.errors import GateError, Temporary


def test_a_password_in_the_address_is_in_no_message() -> None:
    api = Api(Configuration(host="http://token:s3cret@127.0.0.1:1/prefix"))
    with pytest.raises(Temporary, match=r"http://127\.0\.0\.1:1/prefix/api") as raised:
        api.get("pods", "shop", "one")
    assert "s3cret" not in str(raised.value) + api.host


def test_without_any_kubernetes_it_says_so_and_prints_nothing(tmp_path: Path) -> None:
    """As a process: what is printed would stand in the JSON of whoever asked for that."""
    program = "from gate.cluster.api import Api; Api.from_environment()"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == ""
    assert "no Kubernetes to talk to" in done.stderr


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[]", b"clusters: 5", b"{", b"just words"], ids=repr)
def test_a_file_that_is_no_kubeconfig_is_said_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "config"
    file.write_bytes(content)
    with pytest.raises(GateError, match="set KUBECONFIG"):
        Api.from_environment(str(file))
