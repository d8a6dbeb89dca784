"""`chaos-gate sandbox` as somebody starts it by hand: it misbehaves as the file says, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import yaml

FAULTS = """\
rules:
  - {name: once, verbs: [get], resources: [configmaps], names: [asked-by-the-test], times: 1, fault: {answer: 503}}
  - {name: never, verbs: [get], resources: [secrets], names: [asked-by-nobody], fault: {answer: 500}}
"""

WITHOUT_PODS = 3
"""Processes: the gate, and the two that watch over what the sandbox starts."""


@contextmanager
def running(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """The command under these faults, its temporary files in `folder/tmp`, killed if the test does not end it."""
    (folder / "tmp").mkdir()
    (folder / "faults.yaml").write_text(FAULTS)
    command = [sys.executable, "-m", "gate.cli", "sandbox", "--folder", "sandbox", "--faults", "faults.yaml"]
    environment = os.environ | {"TMPDIR": str(folder / "tmp")}
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # As a shell starts what it puts into the background: the command has to listen to SIGINT all the same.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509 (no lock is taken)
    ) as sandbox:
        try:
            yield sandbox
        finally:
            sandbox.kill()


def parents() -> dict[int, int]:
    """Each process that is alive -> its parent."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            found[int(process.name)] = int(parent)
    return found


def started_by(pid: int) -> set[int]:
    """All that the process has started, and what that has started."""
    found, every = {pid}, parents()
    while more := {child for child, parent in every.items() if parent in found} - found:
        found |= more
    return found - {pid}


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(signal.SIGINT, id="SIGINT"),
        pytest.param(signal.SIGTERM, id="SIGTERM", marks=pytest.mark.thorough),
    ],
)
def test_a_rule_of_the_file_strikes_once_is_counted_at_the_end_and_nothing_is_left(
    end: signal.Signals, tmp_path: Path, eventually: Callable[[Callable[[], object]], None]
) -> None:
    with running(tmp_path) as sandbox:
        assert sandbox.stdout is not None
        while not next(sandbox.stdout).startswith("Ctrl-C"):
            pass
        config = yaml.safe_load((tmp_path / "sandbox" / "kubeconfig").read_text())
        server = config["clusters"][0]["cluster"]["server"]
        asked = f"{server}/api/v1/namespaces/default/configmaps/asked-by-the-test"
        answers = [requests.get(asked, timeout=30) for _ in range(2)]
        eventually(lambda: len(started_by(sandbox.pid)) > WITHOUT_PODS)
        children = started_by(sandbox.pid)
        sandbox.send_signal(end)
        last, _ = sandbox.communicate(timeout=60)

    assert [answer.status_code for answer in answers] == [503, 404]
    assert "the sandbox was told to fail" in answers[0].json()["message"]
    assert last.splitlines()[-2:] == [
        "fault       once struck 1 time",
        "fault       never struck 0 times",
    ]
    assert sandbox.returncode == 0
    eventually(lambda: not children & parents().keys())
    assert list((tmp_path / "tmp").iterdir()) == []
