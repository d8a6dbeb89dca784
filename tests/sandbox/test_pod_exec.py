"""Commands in containers: kubectl exec and the Python client, over WebSockets."""

import contextlib
import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import termios
from pathlib import Path

import pytest
import requests
from pod_programs import is_alive
from pod_world import FOREVER, PODS

STREAMS = "stdout=true&stderr=true"


@pytest.fixture
def running(pods):
    """A pod that runs."""
    pods.run(FOREVER, env=[{"name": "COLOUR", "value": "blue"}])
    pods.runs()
    return pods


def exec_kubectl(pods, *arguments, data=None):
    """kubectl exec, unjudged."""
    return subprocess.run(
        ["kubectl", "--kubeconfig", str(pods.ground.kubeconfig), "exec", *arguments],
        input=data,
        capture_output=True,
        timeout=20,
        check=False,
    )


def test_output_errors_and_the_exit_code_come_back_each_in_its_place(running):
    done = exec_kubectl(running, "one", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout) == (3, b"out\n")
    assert done.stderr.startswith(b"err\n")
    assert b"command terminated with exit code 3" in done.stderr


def test_a_command_has_the_containers_environment_files_and_name(running):
    done = exec_kubectl(running, "one", "--", "sh", "-c", "echo $COLOUR; hostname; pwd")
    assert (done.returncode, done.stdout) == (0, b"blue\none\n/\n")


def test_input_arrives_whole_and_its_end_is_seen(running):
    data = os.urandom(300_000)
    done = exec_kubectl(running, "-i", "one", "--", "cat", data=data)
    assert (done.returncode, done.stdout == data) == (0, True)


def test_a_program_that_does_not_exist_is_an_error_with_the_reason(running):
    done = exec_kubectl(running, "one", "--", "no-such-program")
    assert done.returncode == 1
    assert b'exec: "no-such-program": executable file not found in $PATH' in done.stderr


def test_a_terminal_is_one_and_knows_its_size(running):
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    script = 'until [ "$(stty size)" = "40 100" ]; do sleep 0.05; done; test -t 0 && test -t 1 && echo "it is one"'
    command = [
        "kubectl",
        "--kubeconfig",
        str(running.ground.kubeconfig),
        "exec",
        "-it",
        "one",
        "--",
        "sh",
        "-c",
        script,
    ]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as kubectl:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # the other end is closed
            while select.select([ours], [], [], 15)[0] and (data := os.read(ours, 4096)):
                said += data
        assert kubectl.wait(15) == 0
    os.close(ours)
    assert b"it is one" in said


def test_the_python_client_runs_commands(running):
    client = pytest.importorskip("kubernetes.client")
    stream = pytest.importorskip("kubernetes.stream")
    config = pytest.importorskip("kubernetes.config")
    with config.new_client_from_config(str(running.ground.kubeconfig)) as connection:
        kept = stream.stream(
            client.CoreV1Api(connection).connect_get_namespaced_pod_exec,
            "one",
            "default",
            command=["sh", "-c", "read line; echo $line $COLOUR; exit 5"],
            stdin=True,
            stdout=True,
            stderr=True,
            tty=False,
            _preload_content=False,
        )
        kept.write_stdin("hello\n")
        kept.run_forever(timeout=10)
        assert (kept.read_stdout(), kept.returncode) == ("hello blue\n", 5)
        kept.sock.shutdown()  # the client leaves its socket open


@pytest.mark.parametrize("version", ["v4.channel.k8s.io", "v5.channel.k8s.io"])
def test_the_channels_are_those_of_the_protocol(running, version):
    websocket = pytest.importorskip("websocket")
    url = running.ground.url.replace("http", "ws", 1)
    command = "&".join(f"command={word}" for word in ("sh", "-c", "read+line;echo+$line;echo+err>%262"))
    connection = websocket.create_connection(
        f"{url}{PODS}/one/exec?{command}&stdin=true&{STREAMS}",
        subprotocols=[version],
        timeout=10,
        header=running.credentials,
    )
    assert connection.subprotocol == version
    connection.send_binary(b"\x00in\n")
    received = dict.fromkeys(range(4), b"")
    while (frame := connection.recv_data())[0] == websocket.ABNF.OPCODE_BINARY:
        received[frame[1][0]] += frame[1][1:]
    assert (received[1], received[2]) == (b"in\n", b"err\n")
    assert json.loads(received[3]) == {"metadata": {}, "status": "Success"}
    connection.shutdown()


def test_a_command_ends_with_its_container(running, eventually):
    kubeconfig = str(running.ground.kubeconfig)
    command = ["kubectl", "--kubeconfig", kubeconfig, "exec", "one", "--", "sh", "-c", "echo $$; exec sleep infinity"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as kubectl:
        pid = int(kubectl.stdout.readline())
        assert is_alive(pid)
        running.delete(gracePeriodSeconds=0)
        assert kubectl.wait(15) == 137
    eventually(lambda: not is_alive(pid))


def test_which_container_is_meant_has_to_be_clear(pods):
    image = {"image": "web:1", "command": ["sh", "-c", FOREVER]}
    pods.create({"containers": [{"name": "one", **image}, {"name": "two", **image}], "initContainers": []})
    answer = pods.ground.ask("GET", f"{PODS}/one/exec?command=true&{STREAMS}")
    assert answer.status_code == 400
    assert answer.json()["message"] == "a container name must be specified for pod one, choose one of: [one two]"
    answer = pods.ground.ask("GET", f"{PODS}/one/exec?command=true&{STREAMS}&container=three")
    assert answer.json()["message"] == "container three is not valid for pod one"


@pytest.mark.parametrize(
    ("query", "headers", "code", "message"),
    [
        (STREAMS, {}, 400, "you must specify at least 1 command"),
        ("command=true", {}, 400, "you must specify at least 1 of stdin, stdout, stderr"),
        (f"command=true&tty=true&{STREAMS}", {}, 400, "tty and stderr cannot both be true"),
        (f"command=true&{STREAMS}", {}, 400, "Upgrade request required"),
        (f"command=true&{STREAMS}", {"Connection": "Upgrade", "Upgrade": "SPDY/3.1"}, 501, "not SPDY"),
    ],
)
def test_what_cannot_be_done_is_refused_plainly(running, query, headers, code, message):
    answer = running.ground.ask("POST", f"{PODS}/one/exec?{query}", headers=headers)
    assert answer.status_code == code
    assert message in answer.json()["message"]


def test_a_client_that_speaks_no_version_that_we_know_is_refused(running):
    headers = running.credentials | {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Protocol": "v1.channel.k8s.io",
    }
    answer = requests.get(f"{running.ground.url}{PODS}/one/exec?command=true&{STREAMS}", headers=headers, timeout=10)
    assert answer.status_code == 400


def test_there_is_nothing_to_run_a_command_in_before_the_start_and_after_the_end(pods):
    pods.run("true", spec={"restartPolicy": "Never"})
    pods.phase("Succeeded")
    answer = pods.ground.ask("GET", f"{PODS}/one/exec?command=true&{STREAMS}")
    assert answer.status_code == 500
    assert answer.json()["message"] == 'unable to upgrade connection: container not found ("main")'


def test_commands_leave_no_descriptors_behind(running):
    def count():
        return len(list(Path("/proc/self/fd").iterdir()))

    exec_kubectl(running, "one", "--", "true")
    before = count()
    for _ in range(5):
        exec_kubectl(running, "-i", "one", "--", "cat", data=b"x")
    running.eventually(lambda: count() <= before)
