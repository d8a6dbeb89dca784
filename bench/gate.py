"""A gate that is measured: its catalogue, its process, and what that uses of the machine."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import git

from gate.sandbox.ports import keep
from gate.sandbox.shipped import policy

COMMAND = (str(Path(sys.executable).parent / "chaos-gate"), "serve")


def committed(folder: Path, documents: Mapping[str, str]) -> Path:
    """A git repository with these documents by their paths; `folder`."""
    with git.Repo.init(folder, initial_branch="main") as repo:
        for name, text in documents.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        repo.git.add("--all")
        repo.git.execute(
            ["git", "-c", "user.name=bench", "-c", "user.email=b@example.org", "commit", "-qm", "Subscribe"]
        )
    return folder


@contextmanager
def serving(
    place: Path, kubeconfig: Path, catalogue: Path, command: Sequence[str] = COMMAND
) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """The gate as a process of its own with its state in `place`, and how many seconds it took to be ready."""
    with keep(("127.0.0.1", 0)) as port:
        address = f"127.0.0.1:{port.getsockname()[1]}"
        environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig),
            "CHAOS_GATE_CATALOGUE": str(catalogue),
            "CHAOS_GATE_STATE": str(place / "state"),
            "CHAOS_GATE_POLICY": str(policy()),
            "CHAOS_GATE_LISTEN": address,
        }
        with (place / "gate.log").open("ab") as log:
            began = time.monotonic()
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            while not is_ready(f"http://{address}/readyz"):
                if process.poll() is not None:
                    raise SystemExit((place / "gate.log").read_text()[-2000:])
                time.sleep(0.01)
            yield process, time.monotonic() - began
        finally:
            process.terminate()
            process.wait(30)


def is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def processor_seconds(process: "subprocess.Popen[bytes] | subprocess.Popen[str]") -> float:
    """What it has used of a processor so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(process: "subprocess.Popen[bytes] | subprocess.Popen[str]", row: str = "VmRSS") -> float:
    """Its resident memory; with `VmHWM` the most that it ever was."""
    text = Path(f"/proc/{process.pid}/status").read_text()
    return int(text.split(f"{row}:")[1].split()[0]) / 1024
