"""Logs of containers and commands in them, through the machine's kubectl and the one that was built."""

import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pod_world import FOREVER

from tests import grounds, kubectls
from tests.grounds import IMAGES, Ground

RESTARTED = """
n=$(ls /v | wc -l); touch /v/$n; echo run $n; [ $n -lt 1 ] && exit 1
echo ready; until [ -e /v/said ]; do sleep 0.05; done; cat /v/said; exec sleep infinity
"""
"""Ends at its first run, and stays at its second, in which it repeats one thing that is said."""


def _box(name: str, script: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": IMAGES[0], "command": ["sh", "-c", script], **more}


def _pod(name: str, *boxes: dict[str, Any], **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "labels": {"app": name}}
    whole = {"terminationGracePeriodSeconds": 1, "containers": list(boxes), **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": whole}


PODS = [
    _pod(
        "again",
        _box("main", RESTARTED, volumeMounts=[{"name": "v", "mountPath": "/v"}]),
        volumes=[{"name": "v", "emptyDir": {}}],
    ),
    _pod("two", *(_box(name, f"echo this is {name}; {FOREVER}") for name in ("a", "b"))),
    _pod("ended", _box("main", "for n in 1 2 3; do echo $n; done; exit 4"), restartPolicy="Never"),
]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """One for all tests of this file, with pods that only look on."""
    with grounds.sandbox(tmp_path_factory.mktemp("sandbox")) as (ground, _):
        for pod in PODS:
            made = ground.ask("POST", "/api/v1/namespaces/default/pods", pod)
            assert made.status_code == 201, made.text
        yield ground


class Kubectl:
    def __init__(self, ground: Ground, program: str) -> None:
        self._beginning = [program, f"--kubeconfig={ground.kubeconfig}", f"--cache-dir={ground.kubeconfig.parent}"]

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen([*self._beginning, *arguments], stdout=subprocess.PIPE, text=True)

    def __call__(self, *arguments: str, given: str = "", code: int = 0) -> str:
        """What it prints on both outputs; AssertionError where it does not end with that code."""
        done = subprocess.run(
            [*self._beginning, *arguments], input=given, capture_output=True, text=True, timeout=20, check=False
        )
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr


@pytest.fixture(params=kubectls.each())
def kubectl(request: pytest.FixtureRequest, sandbox: Ground) -> Kubectl:
    return Kubectl(sandbox, kubectls.program(request.param))


@pytest.fixture
def again(kubectl: Kubectl, eventually: Callable[[Callable[[], Any]], Any]) -> Kubectl:
    """Its pod `again` has restarted and runs."""
    eventually(lambda: "ready" in kubectl("logs", "again"))
    return kubectl


def test_logs_of_this_run_and_of_the_one_before(again: Kubectl) -> None:
    assert again("logs", "again") == "run 1\nready\n"
    assert again("logs", "again", "--previous") == "run 0\n"
    assert again("logs", "again", "--tail=1") == "ready\n"
    assert again("logs", "again", "--limit-bytes=3") == "run"
    assert [line.split(" ", 1)[1] for line in again("logs", "again", "--timestamps").splitlines()] == ["run 1", "ready"]


def test_logs_that_end_are_followed_to_their_end(kubectl: Kubectl) -> None:
    kubectl("wait", "pod/ended", "--for=jsonpath={.status.phase}=Failed", "--timeout=20s")
    assert kubectl("logs", "-f", "ended") == "1\n2\n3\n"
    assert kubectl("logs", "ended", "--previous", code=1) == (
        'Error from server (BadRequest): previous terminated container "main" in pod "ended" not found\n'
    )


def test_logs_of_several_containers_and_pods(kubectl: Kubectl, eventually: Callable[[Callable[[], Any]], Any]) -> None:
    kubectl("wait", "pod/two", "--for=condition=Ready", "--timeout=20s")
    both = eventually(
        lambda: (said := kubectl("logs", "two", "--all-containers", "--prefix")).count("this") == 2 and said
    )
    assert sorted(both.splitlines()) == ["[pod/two/a] this is a", "[pod/two/b] this is b"]
    assert kubectl("logs", "two", "-c", "b") == "this is b\n"
    assert kubectl("logs", "-l", "app=two", "-c", "a") == "this is a\n"
    assert kubectl("logs", "two", "-c", "c", code=1) == "error: container c is not valid for pod two\n"
    assert kubectl("logs", "two") == 'this is a\nDefaulted container "a" out of: a, b\n'


def test_a_log_is_followed_as_it_grows(
    kubectl: Kubectl, sandbox: Ground, eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    name = f"grows-{uuid.uuid4().hex[:6]}"
    box = _box("main", RESTARTED, volumeMounts=[{"name": "v", "mountPath": "/v"}])
    pod = _pod(name, box, volumes=[{"name": "v", "emptyDir": {}}])
    sandbox.ask("POST", "/api/v1/namespaces/default/pods", pod)
    eventually(lambda: "ready" in kubectl("logs", name))
    with kubectl.start("logs", "-f", name, "--tail=1") as following:
        assert following.stdout is not None
        assert following.stdout.readline() == "ready\n"
        kubectl("exec", name, "--", "sh", "-c", "echo more > /v/new; mv /v/new /v/said")
        assert following.stdout.readline() == "more\n"
        kubectl("delete", "pod", name, "--now")
        assert following.wait(20) == 0


def test_a_command_gives_its_output_and_its_exit_code(again: Kubectl) -> None:
    script = "echo out; echo err >&2; exit 3"
    said = again("exec", "again", "--", "sh", "-c", script, code=3)
    assert said == "out\nerr\ncommand terminated with exit code 3\n"
    assert "executable file not found in $PATH" in again("exec", "again", "--", "no-such-program", code=1)


def test_a_command_reads_its_input_to_the_end(again: Kubectl) -> None:
    given = "".join(f"{number}\n" for number in range(20_000))
    assert again("exec", "-i", "again", "--", "cat", given=given) == given
    assert again("exec", "again", "--", "cat", given=given) == ""


def test_a_command_runs_in_the_container_that_is_meant(kubectl: Kubectl) -> None:
    kubectl("wait", "pod/two", "--for=condition=Ready", "--timeout=20s")
    assert kubectl("exec", "two", "-c", "b", "--", "hostname") == "two\n"
    assert kubectl("exec", "two", "-c", "c", "--", "true", code=1).endswith("container c is not valid for pod two\n")
    said = kubectl("exec", "ended", "--", "true", code=1)
    assert "cannot exec into a container in a completed pod; current phase is Failed" in said


@pytest.mark.skipif(shutil.which("tar") is None, reason="kubectl cp runs tar in the container")
def test_files_are_copied_both_ways(again: Kubectl, tmp_path: Path) -> None:
    data = os.urandom(100_000)
    (tmp_path / "there").write_bytes(data)
    again("cp", str(tmp_path / "there"), "again:/v/copy")
    again("cp", "again:/v/copy", str(tmp_path / "back"))
    again("exec", "again", "--", "rm", "/v/copy")
    assert (tmp_path / "back").read_bytes() == data


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (["attach", "again"], "the sandbox has no pods/attach; a real API server has"),
        (["port-forward", "again", ":80"], "the sandbox has no pods/portforward; a real API server has"),
    ],
    ids=["attach", "port-forward"],
)
def test_what_the_sandbox_does_not_do_with_pods_it_says(again: Kubectl, arguments: list[str], refusal: str) -> None:
    assert refusal in again(*arguments, code=1)
