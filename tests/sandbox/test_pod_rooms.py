"""Pods without privileges and without namespaces: what still works, what is refused, and that nothing stays."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pod_programs import is_alive

SANDBOX = """
import json, sys, time
from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.sandbox.kubernetes.runtime.images import Image, Images
from gate.sandbox.kubernetes.registry.resources import CONFIG_MAPS, EVENTS, PODS

with Kubernetes(images=Images([Image(name="box", argv=("sleep", "infinity"))])) as kubernetes:
    store = kubernetes.store
    store.create(CONFIG_MAPS, {"metadata": {"name": "c", "namespace": "default"}, "data": {"k": "v"}})
    mount = {"volumeMounts": [{"name": "v", "mountPath": "/no/such/folder"}]}
    volumes = {"volumes": [{"name": "v", "configMap": {"name": "c"}}]}
    for name, container, spec in (("plain", {}, {}), ("mounting", mount, volumes)):
        script = "hostname; cat /no/such/folder/k; id -u; sleep 99"
        main = {"name": "main", "image": "box", "command": ["sh", "-c", script], **container}
        pod = {"metadata": {"name": name, "namespace": "default"}, "spec": {"containers": [main], **spec}}
        store.create(PODS, pod)

    def state(name):
        status = store.get(PODS, "default", name)["status"].get("containerStatuses", [{"state": {}}])
        return status[0]["state"]

    settled = lambda name: "running" in state(name) or "Error" in state(name).get("waiting", {}).get("reason", "")
    deadline = time.monotonic() + 15
    while not all(settled(name) for name in ("plain", "mounting")) and time.monotonic() < deadline:
        time.sleep(0.01)
    events = [event["message"] for event in store.list(EVENTS)[0] if event["reason"] == "Unsupported"]
    print(json.dumps({"plain": state("plain"), "mounting": state("mounting"), "events": events}))
"""

NO_NAMESPACES = 'echo 0 > /proc/sys/user/max_mnt_namespaces && echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'


def played(*wrapper: str) -> dict:
    """What the sandbox above says when it is started with this command."""
    command = [*wrapper, sys.executable, "-c", SANDBOX]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode and not done.stdout:
        pytest.skip(f"this machine cannot be made to be such a one: {done.stderr.strip()[-200:]}")
    return json.loads(done.stdout)


def test_where_the_kernel_gives_no_namespaces_pods_run_without_and_mounts_are_refused():
    said = played("unshare", "--user", "--map-root-user", "sh", "-c", NO_NAMESPACES, "sh")
    assert "running" in said["plain"]
    (event,) = said["events"]
    assert "no room of its own (unshare" in event
    assert "names of Services do not resolve" in event
    waiting = said["mounting"]["waiting"]
    assert waiting["reason"] == "CreateContainerError"
    assert waiting["message"].startswith("volumes cannot be mounted here: unshare")


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests are played without privileges already")
def test_without_the_right_to_mount_a_pod_gets_it_for_itself_alone():
    if shutil.which("setpriv") is None:
        pytest.skip("there is no setpriv on this machine")
    said = played("setpriv", "--bounding-set", "-sys_admin")
    assert "running" in said["plain"]
    assert "running" in said["mounting"]
    assert said["events"] == []
    assert not Path("/no/such/folder").exists()


KILLED = """
import signal, sys, time, urllib.parse
import websocket
import yaml
from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.sandbox.kubernetes.runtime.images import Image, Images
from gate.sandbox.kubernetes.registry.resources import PODS

def script(what):
    return f"echo $$ > {sys.argv[1]}/{what}; exec sleep infinity"

def box(name, what, **more):
    mounts = [{"name": "v", "mountPath": "/v"}]
    return {"name": name, "image": "box", "command": ["sh", "-c", script(what)], "volumeMounts": mounts, **more}

def action(what):
    return {"exec": {"command": ["sh", "-c", script(what)]}}

with Kubernetes(images=Images([Image(name="box", argv=("sleep", "infinity"))])) as kubernetes:
    specs = {
        "init": {"initContainers": [box("first", "init")], "containers": [box("main", "never")]},
        "hooked": {"containers": [box("main", "main", lifecycle={"postStart": action("hook")})]},
        "probed": {"containers": [box("main", "other", readinessProbe={**action("probe"), "timeoutSeconds": 99})]},
    }
    for name, spec in specs.items():
        spec = {**spec, "volumes": [{"name": "v", "emptyDir": {}}]}
        kubernetes.store.create(PODS, {"metadata": {"name": name, "namespace": "default"}, "spec": spec})
    while "running" not in str(kubernetes.store.get(PODS, "default", "probed")["status"].get("containerStatuses")):
        time.sleep(0.01)
    words = ("sh", "-c", f"setsid sh -c '{script('exec')}' & wait")
    query = urllib.parse.urlencode([*(("command", word) for word in words), ("stdout", "true")])
    url = kubernetes.url.replace("http", "ws") + "/api/v1/namespaces/default/pods/probed/exec?" + query
    token = yaml.safe_load(kubernetes.kubeconfig())["users"][0]["user"].get("token")
    header = {"Authorization": f"Bearer {token}"}
    connection = websocket.create_connection(url, subprotocols=["v5.channel.k8s.io"], header=header)
    signal.pause()
"""


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
def test_whatever_runs_in_pods_ends_with_a_sandbox_that_is_killed(death, eventually, tmp_path):
    """Init containers, hooks, probes, commands that left their session, and the volumes."""
    pytest.importorskip("websocket")
    notes, files = tmp_path / "pids", tmp_path / "files"
    notes.mkdir()
    files.mkdir()
    expected = {"init", "main", "hook", "other", "probe", "exec"}
    command = [sys.executable, "-c", KILLED, str(notes)]
    with subprocess.Popen(command, env={**os.environ, "TMPDIR": str(files)}, stderr=subprocess.DEVNULL) as sandbox:
        eventually(lambda: {each.name for each in notes.iterdir() if each.read_text().strip()} == expected)
        pids = [int(each.read_text()) for each in notes.iterdir()]
        assert all(is_alive(pid) for pid in pids)
        assert list(files.iterdir())
        sandbox.send_signal(death)
        sandbox.wait(15)
    eventually(lambda: not any(is_alive(pid) for pid in pids))
    eventually(lambda: not list(files.iterdir()))
