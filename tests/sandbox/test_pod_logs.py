"""What containers have written: all of it, some of it, with times, while it is written, and from before the restart."""

import os
import re
import subprocess
from datetime import UTC, datetime

import pytest
from pod_world import FOREVER, PODS

from gate.sandbox.kubernetes.api.pod_requests import LogQuery
from gate.sandbox.kubernetes.runtime.logs import Logs
from gate.sandbox.kubernetes.runtime.ward.journal import Journal, older, records


def test_kubectl_follows_a_log_to_its_end(pods):
    pods.run("read line < /dev/null; for n in 1 2 3; do sleep 0.1; echo $n; done", spec={"restartPolicy": "Never"})
    pods.says("1")
    assert pods.kubectl("logs", "-f", "one") == "1\n2\n3\n"


def test_a_follower_sees_a_line_when_it_is_written(pods):
    volumes = {"volumes": [{"name": "v", "emptyDir": {}}]}
    script = f"echo before; until [ -e /v/go ]; do sleep 0.02; done; echo after; {FOREVER}"
    pods.run(script, spec=volumes, volumeMounts=[{"name": "v", "mountPath": "/v"}])
    pods.says("before")
    command = ["kubectl", "--kubeconfig", str(pods.ground.kubeconfig), "logs", "-f", "one"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as kubectl:
        assert kubectl.stdout.readline() == "before\n"
        pods.kubectl("exec", "one", "--", "touch", "/v/go")
        assert kubectl.stdout.readline() == "after\n"
        pods.delete(gracePeriodSeconds=0)
        assert kubectl.wait(15) == 0


def test_the_previous_run_has_a_log_of_its_own_while_the_next_one_waits_and_when_it_runs(pods):
    volumes = {"volumes": [{"name": "v", "emptyDir": {}}]}
    script = f"n=$(ls /v | wc -l); touch /v/$n; echo run $n; [ $n -lt 1 ] && exit 1; {FOREVER}"
    pods.run(script, spec=volumes, volumeMounts=[{"name": "v", "mountPath": "/v"}])
    pods.says("run 1")
    assert pods.kubectl("logs", "--previous", "one") == "run 0\n"


def test_between_two_runs_the_last_one_is_the_previous_one(pods):
    pods.run("echo run; exit 1")
    pods.waits("CrashLoopBackOff")
    assert pods.kubectl("logs", "one") == "run\n"
    assert pods.kubectl("logs", "--previous", "one") == "run\n"


def test_without_a_previous_run_there_is_no_previous_log(pods):
    pods.run(FOREVER)
    pods.runs()
    said = pods.kubectl("logs", "--previous", "one", fails=True)
    assert 'previous terminated container "main" in pod "one" not found' in said


def test_lines_have_times(pods):
    before = datetime.now(UTC)
    pods.run("echo one; echo two", spec={"restartPolicy": "Never"})
    pods.phase("Succeeded")
    lines = pods.kubectl("logs", "--timestamps", "one").splitlines()
    assert [line.split(" ")[1] for line in lines] == ["one", "two"]
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", line.split(" ")[0])
        assert before <= datetime.fromisoformat(line.split(" ")[0]) <= datetime.now(UTC)


def test_only_what_is_newer_than_a_moment_is_shown(pods):
    pods.run("echo early; sleep 1.2; echo late", spec={"restartPolicy": "Never"})
    pods.phase("Succeeded")
    late = pods.log("timestamps=true&tailLines=1").split(" ")[0]
    assert pods.log(f"sinceTime={late}") == "late\n"
    assert pods.kubectl("logs", f"--since-time={late}", "one") == "late\n"
    for seconds in (3600, 2**63 - 1):
        assert pods.log(f"sinceSeconds={seconds}") == "early\nlate\n"
    assert pods.kubectl("logs", "--since=1h", "one") == "early\nlate\n"


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("tailLines=2", "3\nunfinished"),
        ("tailLines=0", ""),
        ("tailLines=99", "1\n2\n3\nunfinished"),
        ("limitBytes=3", "1\n2"),
        ("tailLines=2&limitBytes=1", "3"),
    ],
)
def test_a_log_can_be_cut(pods, query, shown):
    pods.run("seq 3; printf unfinished", spec={"restartPolicy": "Never"})
    pods.phase("Succeeded")
    assert pods.log(query) == shown


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("tailLines=-1", 422, "must be greater than or equal to 0"),
        ("limitBytes=0", 422, "must be greater than 0"),
        ("sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", 422, "at most one of `sinceTime` or `sinceSeconds`"),
        ("sinceTime=yesterday", 400, 'parsing time "yesterday"'),
        ("sinceTime=2026-01-01", 400, 'parsing time "2026-01-01"'),
        ("sinceSeconds=0", 422, "must be greater than 0"),
        ("stream=Stdout", 422, "stream: Forbidden: may not be specified"),
        ("tailLines=99999999999999999999", 400, "value out of range"),
    ],
)
def test_options_that_make_no_sense_are_refused_whether_there_is_a_pod_or_not(pods, query, code, message):
    answer = pods.ground.ask("GET", f"{PODS}/none/log?{query}")
    assert answer.status_code == code
    assert message in answer.json()["message"]


def test_each_container_has_its_own_log(pods):
    def box(name):
        return {"name": name, "image": "web:1", "command": ["echo", f"this is {name}"]}

    pods.create({"containers": [box("a"), box("b")], "initContainers": [box("i")], "restartPolicy": "Never"})
    pods.phase("Succeeded")
    assert {name: pods.kubectl("logs", "one", "-c", name) for name in "abi"} == {
        name: f"this is {name}\n" for name in "abi"
    }
    assert sorted(pods.kubectl("logs", "one", "--all-containers").splitlines()) == [f"this is {name}" for name in "abi"]
    answer = pods.ground.ask("GET", f"{PODS}/one/log")
    assert answer.json()["message"] == "a container name must be specified for pod one, choose one of: [i a b]"


def test_a_container_that_has_not_started_says_why(pods):
    pods.run(FOREVER, image="nobody/knows:1")
    pods.waits("ImagePullBackOff")
    said = pods.ground.ask("GET", f"{PODS}/one/log").json()["message"]
    assert said == 'container "main" in pod "one" is waiting to start: trying and failing to pull image'


def test_a_journal_begins_a_new_file_when_it_is_full_and_keeps_the_one_before(tmp_path):
    source, sink = os.pipe()
    path = tmp_path / "0.log"
    journal = Journal(source, path)
    with os.fdopen(sink, "wb", buffering=0) as writer:
        for start in range(0, 100_000, 500):
            writer.write(
                b"".join(b"line %08d of many, and this one is rather long\n" % n for n in range(start, start + 500))
            )
            journal.take()
    journal.close()
    assert older(path).exists()
    found = [record.text for record in records(path)]
    assert found[-1].startswith(b"line 00099999")
    numbers = [int(text.split()[1]) for text in found]
    assert numbers == list(range(numbers[0], 100_000))
    assert path.stat().st_size + older(path).stat().st_size < 9_000_000


def test_a_very_long_line_is_kept_in_parts_and_shown_as_one(pods):
    pods.run("head -c 100000 /dev/zero | tr '\\0' x; echo end", spec={"restartPolicy": "Never"})
    pods.phase("Succeeded")
    assert pods.log() == "x" * 100_000 + "end\n"


class Vanishing:
    """A container that writes a line, and whose log is gone when somebody looks again."""

    def __init__(self, path):
        self._path = path
        path.write_bytes(b"2026-01-01T00:00:00.000000000Z stdout F said\n")

    def log(self, *_, **__):
        return self._path

    def is_writing(self, log):
        return log.exists()

    def go(self, _seconds):
        self._path.unlink()


def test_who_follows_a_log_that_goes_with_its_pod_comes_to_its_end(tmp_path):
    written = Vanishing(tmp_path / "0.log")
    pod = {"metadata": {"name": "one", "namespace": "default"}}
    read = Logs(written, sleep=written.go).read(pod, LogQuery(container="main", follow=True))
    assert b"".join(read) == b"said\n"
