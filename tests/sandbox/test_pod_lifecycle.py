"""From a pod's start to its end: first containers, hooks, probes, deadlines, exit codes and reasons."""

import http.server
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from pod_world import FOREVER

POLITE = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"
ENDS_SOON = {"activeDeadlineSeconds": 1, "restartPolicy": "Never"}
STUBBORN = "trap 'echo not yet' TERM; echo up; while :; do sleep 0.05; done"


def box(name, script, **more):
    return {"name": name, "image": "web:1", "command": ["sh", "-c", script], **more}


def probe(**how):
    return {"periodSeconds": 1, "failureThreshold": 1, **how}


def test_init_containers_run_one_after_the_other_before_all_others(pods, eventually):
    mounts = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    gate = "until [ -e /v/go ]; do sleep 0.02; done; "
    pods.create(
        {
            "initContainers": [
                box("first", gate + "echo 1 >> /v/log", **mounts),
                box("second", "echo 2 >> /v/log", **mounts),
            ],
            "containers": [box("main", f"cat /v/log; {FOREVER}", **mounts)],
            "volumes": [{"name": "v", "emptyDir": {}}],
        }
    )
    pods.runs("first")
    assert pods.pod()["status"]["phase"] == "Pending"
    assert pods.condition("Initialized")["reason"] == "ContainersNotInitialized"
    assert pods.condition("Initialized")["message"] == "containers with incomplete status: [first second]"
    assert pods.container("second")["state"] == {"waiting": {"reason": "PodInitializing"}}
    assert pods.container("main")["state"] == {"waiting": {"reason": "PodInitializing"}}
    assert "Init:0/2" in pods.kubectl("get", "pod", "one")
    pods.kubectl("exec", "one", "-c", "first", "--", "touch", "/v/go")
    assert pods.says("2", "container=main") == "1\n2\n"
    eventually(lambda: pods.condition("Initialized")["status"] == "True")
    first = pods.container("first")
    assert (first["state"]["terminated"]["reason"], first["ready"], first["restartCount"]) == ("Completed", True, 0)
    assert pods.phase("Running")


def test_an_init_container_that_fails_is_tried_again_and_holds_the_pod_back(pods, eventually):
    pods.create({"initContainers": [box("first", "exit 4")], "containers": [box("main", FOREVER)]})
    assert pods.waits("CrashLoopBackOff", "first").startswith("back-off 10s restarting failed container=first")
    assert pods.container("first")["lastState"]["terminated"]["exitCode"] == 4
    assert pods.container("main")["state"]["waiting"]["reason"] == "PodInitializing"
    eventually(lambda: "Init:CrashLoopBackOff" in pods.kubectl("get", "pod", "one"))


def test_an_init_container_that_fails_for_good_fails_the_pod(pods):
    spec = {"initContainers": [box("first", "exit 4")], "containers": [box("main", FOREVER)], "restartPolicy": "Never"}
    pods.create(spec)
    pods.phase("Failed")
    assert pods.container("first")["state"]["terminated"]["reason"] == "Error"
    assert pods.container("main")["state"]["waiting"]["reason"] == "PodInitializing"


def test_a_sidecar_starts_first_runs_beside_and_ends_with_the_work(pods):
    sidecar = box("proxy", POLITE, restartPolicy="Always", startupProbe=probe(exec={"command": ["true"]}))
    pods.create({"initContainers": [sidecar], "containers": [box("main", "sleep 0.3")], "restartPolicy": "Never"})
    pods.runs("proxy")
    assert pods.phase("Succeeded")
    started = {each: pods.container(each)["state"]["terminated"]["startedAt"] for each in ("proxy", "main")}
    assert started["proxy"] <= started["main"]
    assert pods.container("proxy")["state"]["terminated"]["exitCode"] == 0
    assert pods.log("container=proxy") == "up\nbye\n"


@pytest.mark.parametrize(
    ("policy", "code", "phase", "state"),
    [
        ("Never", 0, "Succeeded", ("terminated", "Completed")),
        ("Never", 3, "Failed", ("terminated", "Error")),
        ("OnFailure", 0, "Succeeded", ("terminated", "Completed")),
        ("OnFailure", 3, "Running", ("waiting", "CrashLoopBackOff")),
        ("Always", 0, "Running", ("waiting", "CrashLoopBackOff")),
    ],
)
def test_the_restart_policy_decides_what_follows_an_end(pods, eventually, policy, code, phase, state):
    pods.run(f"exit {code}", spec={"restartPolicy": policy})
    kind, reason = state
    eventually(lambda: pods.container()["state"].get(kind, {}).get("reason") == reason)
    assert pods.pod()["status"]["phase"] == phase
    status = pods.container()
    last = status["state"]["terminated"] if kind == "terminated" else status["lastState"]["terminated"]
    assert last["exitCode"] == code
    assert status["restartCount"] == (0 if kind == "terminated" else 1)
    assert (reason if phase != "Succeeded" else "Completed") in pods.kubectl("get", "pod", "one")


def test_the_state_before_the_last_one_is_remembered_at_the_end(pods):
    mounts = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    script = "[ -e /v/second ] && exit 0; touch /v/second; exit 9"
    pods.run(script, spec={"volumes": [{"name": "v", "emptyDir": {}}], "restartPolicy": "OnFailure"}, **mounts)
    pods.phase("Succeeded")
    status = pods.container()
    assert status["state"]["terminated"]["exitCode"] == 0
    assert (status["lastState"]["terminated"]["exitCode"], status["restartCount"]) == (9, 1)


def test_a_pod_that_is_active_for_too_long_fails_with_its_deadline(pods):
    pods.run(POLITE, spec=ENDS_SOON)
    status = pods.phase("Failed")["status"]
    assert status["reason"] == "DeadlineExceeded"
    assert status["message"] == "Pod was active on the node longer than the specified deadline"
    assert pods.container()["state"]["terminated"]["exitCode"] == 0
    assert "bye" in pods.log()
    assert pods.events("DeadlineExceeded")


def test_a_program_that_does_not_end_when_asked_is_killed_after_its_grace_period(pods, eventually):
    pods.run(STUBBORN, spec={**ENDS_SOON, "terminationGracePeriodSeconds": 1})
    pods.phase("Failed")
    ended = pods.container()["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "Error")
    assert pods.log() == "up\nnot yet\n"


def test_a_program_that_does_not_care_for_sigterm_dies_of_it(pods):
    pods.run("exec sleep 99", spec=ENDS_SOON)
    pods.phase("Failed")
    ended = pods.container()["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (143, "Error")


@pytest.fixture
def visitors() -> Iterator[tuple[int, list[str]]]:
    """A server on loopback that notes the paths it is asked for: its port, and the paths."""
    seen: list[str] = []

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port, seen
        server.shutdown()
        thread.join()


def test_the_pre_stop_hook_runs_before_the_program_is_asked_to_end(pods):
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "sleep 0.3; echo hook >> /v/log"]}}}
    pods.run(
        "trap 'echo asked >> /v/log; cat /v/log; exit 0' TERM; while :; do sleep 0.05; done",
        spec={"volumes": [{"name": "v", "emptyDir": {}}], **ENDS_SOON},
        volumeMounts=[{"name": "v", "mountPath": "/v"}],
        lifecycle=hook,
    )
    pods.phase("Failed")
    assert pods.log() == "hook\nasked\n"


def test_a_pre_stop_hook_can_be_a_request(pods, eventually, visitors):
    port, seen = visitors
    hook = {"preStop": {"httpGet": {"host": "127.0.0.1", "port": port, "path": "/leaving"}}}
    pods.run(POLITE, lifecycle=hook)
    pods.says("up")
    pods.delete()
    eventually(pods.is_gone)
    assert seen == ["/leaving"]


def test_a_pre_stop_hook_lasts_no_longer_than_the_grace_period(pods):
    hook = {"preStop": {"exec": {"command": ["sleep", "600"]}}}
    pods.run(POLITE, spec={**ENDS_SOON, "terminationGracePeriodSeconds": 1}, lifecycle=hook)
    pods.phase("Failed")
    assert pods.log() == "up\nbye\n"


def test_a_pre_stop_hook_can_be_a_sleep(pods):
    pods.run(POLITE, spec=ENDS_SOON, lifecycle={"preStop": {"sleep": {"seconds": 1}}})
    pods.phase("Failed")
    ended = pods.container()["state"]["terminated"]
    times = [datetime.fromisoformat(ended[field]) for field in ("startedAt", "finishedAt")]
    assert times[1] - times[0] >= timedelta(seconds=2), "one second until the deadline, and one of sleep"


def test_a_pre_stop_hook_that_fails_is_told_and_does_not_hold_the_end_up(pods, eventually):
    pods.run(POLITE, lifecycle={"preStop": {"exec": {"command": ["no-such-program"]}}})
    pods.says("up")
    pods.delete()
    assert "no-such-program" in pods.event("FailedPreStopHook")
    eventually(pods.is_gone)


def test_a_container_counts_as_running_when_its_post_start_hook_is_done(pods, eventually):
    mounts = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    hook = {"postStart": {"exec": {"command": ["sh", "-c", "until [ -e /v/go ]; do sleep 0.02; done"]}}}
    volumes = {"volumes": [{"name": "v", "emptyDir": {}}]}
    pods.run(
        f"echo up; until [ -e /v/now ]; do sleep 0.02; done; touch /v/go; {FOREVER}",
        spec=volumes,
        lifecycle=hook,
        **mounts,
    )
    pods.says("up")
    assert pods.container()["state"] == {"waiting": {"reason": "ContainerCreating"}}
    pods.kubectl("exec", "one", "--", "touch", "/v/now")
    assert pods.runs()["ready"] is True


def test_a_post_start_hook_that_fails_ends_the_container(pods, eventually):
    pods.run(POLITE, lifecycle={"postStart": {"exec": {"command": ["sh", "-c", "echo no; exit 6"]}}})
    assert "command exited with 6: no" in pods.event("FailedPostStartHook")
    eventually(lambda: pods.container()["restartCount"] == 1)


def test_readiness_is_asked_by_command_and_may_change_its_mind(pods, eventually):
    mounts = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    ready = {"readinessProbe": probe(exec={"command": ["cat", "/v/ready"]})}
    pods.run(FOREVER, spec={"volumes": [{"name": "v", "emptyDir": {}}]}, **ready, **mounts)
    pods.runs()
    assert pods.event("Unhealthy").strip() == "Readiness probe failed: cat: /v/ready: No such file or directory"
    assert pods.condition("Ready")["message"] == "containers with unready status: [main]"
    pods.kubectl("exec", "one", "--", "touch", "/v/ready")
    eventually(lambda: pods.condition("Ready")["status"] == "True")
    pods.kubectl("exec", "one", "--", "rm", "/v/ready")
    eventually(lambda: pods.condition("Ready")["status"] == "False")
    assert pods.container()["restartCount"] == 0


def test_every_failure_of_a_probe_is_told_not_only_the_last_straw(pods, eventually):
    pods.run(FOREVER, livenessProbe={"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 3})
    eventually(lambda: pods.container()["restartCount"] == 1)
    events = pods.ground.ask("GET", "/api/v1/namespaces/default/events").json()["items"]
    assert sum(event["count"] for event in events if event["reason"] == "Unhealthy") >= 3
    assert pods.events("Killing") == ["Container main failed liveness probe, will be restarted"]
    assert pods.container()["lastState"]["terminated"]["exitCode"] == 143


def test_a_command_that_takes_too_long_is_a_failed_probe(pods):
    pods.run(FOREVER, readinessProbe=probe(exec={"command": ["sleep", "99"]}, timeoutSeconds=1))
    assert pods.event("Unhealthy") == 'Readiness probe failed: command timed out: "sleep 99" timed out after 1s'


def test_a_container_that_never_comes_up_is_restarted_by_its_startup_probe(pods, eventually):
    liveness = probe(exec={"command": ["sh", "-c", "echo liveness was asked; exit 1"]})
    pods.run(FOREVER, startupProbe=probe(tcpSocket={"port": 1}, failureThreshold=2), livenessProbe=liveness)
    pods.runs()
    assert (pods.container()["started"], pods.container()["ready"]) == (False, False)
    eventually(lambda: pods.container()["restartCount"] == 1)
    assert pods.events("Killing") == ["Container main failed startup probe, will be restarted"]
    assert not [message for message in pods.events("Unhealthy") if "liveness was asked" in message]


def test_a_probe_may_have_a_grace_period_of_its_own(pods, eventually):
    mounts = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    until_it_is_stubborn = {"command": ["sh", "-c", "! [ -e /v/up ]"]}
    liveness = probe(exec=until_it_is_stubborn, terminationGracePeriodSeconds=1)
    spec = {"terminationGracePeriodSeconds": 600, "volumes": [{"name": "v", "emptyDir": {}}]}
    pods.run(STUBBORN.replace("echo up", "touch /v/up"), spec=spec, livenessProbe=liveness, **mounts)
    eventually(lambda: pods.container()["restartCount"] == 1)
    assert pods.container()["lastState"]["terminated"]["exitCode"] == 137


def test_last_words_are_kept(pods):
    pods.run("echo the disk is full > /dev/termination-log; exit 1", spec={"restartPolicy": "Never"})
    pods.phase("Failed")
    assert pods.container()["state"]["terminated"]["message"] == "the disk is full\n"


def test_the_end_of_the_log_can_stand_in_for_last_words(pods):
    policy = {"terminationMessagePolicy": "FallbackToLogsOnError"}
    pods.run("seq 100; exit 1", spec={"restartPolicy": "Never"}, **policy)
    pods.phase("Failed")
    message = pods.container()["state"]["terminated"]["message"]
    assert message.splitlines() == [str(number) for number in range(21, 101)]


def test_kubectl_describe_tells_the_whole_story(pods, eventually):
    pods.make("configmaps", "c", data={"k": "v"})
    pods.create(
        {
            "initContainers": [box("first", "true")],
            "containers": [box("main", "exit 3", env=[{"name": "COLOUR", "value": "blue"}])],
            "volumes": [{"name": "v", "configMap": {"name": "c"}}],
        }
    )
    pods.waits("CrashLoopBackOff")
    said = " ".join(pods.kubectl("describe", "pod", "one").split())
    for words in (
        "Node: sandbox/127.",
        "Init Containers: first: Container ID: containerd://",
        "State: Terminated Reason: Completed Exit Code: 0",
        "State: Waiting Reason: CrashLoopBackOff Last State: Terminated Reason: Error Exit Code: 3",
        "Restart Count: 1",
        "COLOUR: blue",
        "Type: ConfigMap",
        "Normal Scheduled",
        "Successfully assigned default/one to sandbox",
        "Created container: first",
        "Started container main",
        "Warning BackOff",
        "Back-off restarting failed container main in pod one_default(",
    ):
        assert words in said
