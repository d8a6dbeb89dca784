"""One container ends by a signal from within, and its kubelet starts it again."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gate.errors import Futile, Permanent
from gate.faults import container_kill
from gate.faults.containers import status_of
from gate.model import Reason, Target, Undo
from gate.running.execution import why_stopped
from tests.faults.application import Application, Eventually, step

on_the_sandbox = pytest.mark.parametrize("cluster", ["sandbox"], indirect=True)
"""No command can be run in containers that are played by kwok."""


def restarts(web: Application, pod: Target) -> dict[str, int]:
    statuses = web.read("pods", pod.name)["status"]["containerStatuses"]
    return {each["name"]: each["restartCount"] for each in statuses}


def lone(web: Application, script: str, **spec: Any) -> Target:
    """A ready pod of nobody, whose only container runs the script."""
    container = {"name": "main", "image": "web:1", "command": ["sh", "-c", script]}
    body = {
        "metadata": {"name": "lone"},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0, **spec},
    }
    uid = web.api.create("pods", web.namespace, body)["metadata"]["uid"]
    web.eventually(lambda: status_of(web.read("pods", "lone"), "main").get("ready"))
    return Target(kind="Pod", namespace=web.namespace, name="lone", uid=uid)


def plan(web: Application, pod: Target, **settings: Any) -> Undo:
    (undo,) = container_kill.plan(step("container-kill", **settings), web.name, [pod], "seed", web.api)
    return undo


@on_the_sandbox
def test_only_this_container_of_this_pod_is_started_again(web: Application, eventually: Eventually) -> None:
    before = {pod.uid for pod in web.pods()}
    (undo,) = web.plan("container-kill", container="main")
    web.inject(undo)
    eventually(lambda: restarts(web, undo.target) == {"main": 1, "beside": 0})
    assert "main of Pod" in str(container_kill.prove(undo, web.api))
    web.be_whole()
    assert {pod.uid for pod in web.pods()} == before
    others = [pod for pod in web.pods() if pod.uid != undo.target.uid]
    assert [restarts(web, pod)["main"] for pod in others] == [0, 0]


@on_the_sandbox
def test_killed_before_it_is_not_killed_again(web: Application, eventually: Eventually) -> None:
    (undo,) = web.plan("container-kill")
    web.inject(undo)
    eventually(lambda: restarts(web, undo.target)["main"] == 1)
    web.be_whole()
    web.inject(undo)
    web.revert(undo)
    assert restarts(web, undo.target)["main"] == 1


@on_the_sandbox
def test_a_signal_without_a_handler_is_not_sent(web: Application) -> None:
    (undo,) = web.plan("container-kill", container="beside")
    with pytest.raises(
        Futile, match=r"beside of Pod .* was not killed: its first process does not handle SIGTERM"
    ) as error:
        container_kill.inject(undo, web.api)
    assert why_stopped(error.value).reason is Reason.NO_EFFECT
    assert container_kill.prove(undo, web.api) is None


@on_the_sandbox
def test_a_signal_that_ends_nothing_is_no_effect(web: Application, tmp_path: Path, eventually: Eventually) -> None:
    heard = tmp_path / "heard"
    undo = plan(web, lone(web, f"trap 'touch {heard}' HUP; while :; do sleep 1000d & wait; done"), signal="SIGHUP")
    web.inject(undo)
    eventually(heard.exists)
    assert container_kill.prove(undo, web.api) is None


@on_the_sandbox
def test_where_processes_are_shared_no_handler_is_needed(web: Application, eventually: Eventually) -> None:
    undo = plan(web, lone(web, "sleep 1000d; :", shareProcessNamespace=True), signal="SIGKILL")
    web.inject(undo)
    eventually(lambda: container_kill.prove(undo, web.api))
    assert container_kill.prove(undo, web.api) == f"main of Pod {web.namespace}/lone ended with exit code 137"


@on_the_sandbox
def test_what_cannot_be_is_said_before_anything_is_done(web: Application) -> None:
    with pytest.raises(Permanent, match="shares its processes with nobody: Linux keeps SIGKILL from the first one"):
        web.plan("container-kill", signal="SIGKILL")
    with pytest.raises(Permanent, match='no container "mian"'):
        web.plan("container-kill", container="mian")
    for policy in ("Never", "OnFailure"):
        pod = lone(web, "sleep 1000d", restartPolicy=policy)
        with pytest.raises(Permanent, match=f"not be started again: its restartPolicy is {policy}"):
            plan(web, pod)
        web.api.delete("pods", web.namespace, "lone", uid=pod.uid)
        web.eventually(lambda: web.api.get("pods", web.namespace, "lone") is None)


Run = Callable[..., tuple[str, "subprocess.Popen[bytes]"]]


@pytest.fixture
def namespaced() -> Iterator[Run]:
    """Runs the fault's script beside a process that is the first one of a namespace, as in a container."""
    unshare = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    there = shutil.which("unshare") and shutil.which("nsenter")
    if not there or subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets us have no namespaces")
    begun: list[subprocess.Popen[bytes]] = []

    def run(first: str, signal: str, number: int, sharing: str) -> tuple[str, "subprocess.Popen[bytes]"]:
        process = subprocess.Popen([*unshare, "sh", "-c", f"{first} echo ready; sleep 1000d & wait"], stdout=-1)
        begun.append(process)
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        (inner,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        enter = ["nsenter", "--target", inner, "--pid", "--mount", "sh", "-c", container_kill.SCRIPT, "chaos"]
        said = subprocess.run([*enter, signal, str(number), sharing], capture_output=True, text=True, check=True)
        assert said.stderr == ""
        return said.stdout, process

    yield run
    for process in begun:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("sharing", ["alone", "shared"])
def test_the_first_process_of_a_namespace_is_found(sharing: str, namespaced: Run) -> None:
    said, process = namespaced("trap 'exit 7' TERM;", "TERM", 15, sharing)
    assert said == ""
    assert process.wait(20) == 7


def test_what_the_first_process_of_a_namespace_does_not_handle_is_not_sent(namespaced: Run) -> None:
    said, process = namespaced("trap 'exit 7' TERM;", "HUP", 1, "alone")
    assert said == "its first process does not handle SIGHUP\n"
    assert process.poll() is None
