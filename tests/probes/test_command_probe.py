"""command: a program in a container says how the service does, if it can be run at all."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from gate.errors import Absent, Denied, Permanent, Temporary
from gate.model import Undo
from gate.probes import command
from gate.running import companions
from gate.running.ports import Answer, Asker, NoSample
from tests.builders import deployment
from tests.grounds import Ground
from tests.probes.servers import Nothing, surroundings

Eventually = Callable[[Callable[[], object]], None]
Json = dict[str, Any]
MAIN: Json = {"container": "main", "labels": {"app": "web"}}


def pod(name: str, *, ready: bool = True, running: bool = True, **metadata: Any) -> Json:
    return {
        "metadata": {"name": name, **metadata},
        "status": {
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"name": "main", "state": {"running" if running else "waiting": {}}}],
        },
    }


class Pods(Nothing):
    """A cluster with these pods, in which every program ends the same way."""

    def __init__(self, *pods: Json, end: str | Exception = "") -> None:
        self._pods, self._end = pods, end
        self.ran: list[tuple[str, Sequence[str]]] = []

    def get(self, resource: str, namespace: str, name: str) -> Json | None:
        return next((each for each in self._pods if each["metadata"]["name"] == name), None)

    def list(self, resource: str, namespace: str = "", *, labels: str = "") -> tuple[Sequence[Json], str]:
        assert (resource, namespace, labels) == ("pods", "shop", "app=web")
        return self._pods, "1"

    def execute(self, namespace: str, pod: str, container: str, words: Sequence[str], *, changing: bool = True) -> str:
        assert not changing
        self.ran.append((pod, words))
        if isinstance(self._end, Exception):
            raise self._end
        return self._end


def probe(cluster: Any, expect: Json | None = None, **settings: Any) -> Asker:
    return command.prepare({"run": ["count", "orders"], **MAIN, **settings}, expect or {}, surroundings(cluster))


def bad(detail: str, value: float | None = None) -> Answer:
    return Answer(ok=False, detail=detail, value=value)


@pytest.mark.parametrize(
    ("output", "expect", "answer"),
    [
        ("", {}, Answer(ok=True)),
        ("PONG\n", {"output": "^PONG$"}, Answer(ok=True)),
        ("LOADING\n", {"output": "^PONG$"}, bad("the output LOADING does not match ^PONG$")),
        ("5\n", {"atMost": 5}, Answer(ok=True, value=5)),
        ("6\n", {"atMost": 5}, bad("the output is 6.0, more than 5", value=6)),
        ("6\n", {"equals": 5}, bad("the output is 6, not 5", value=6)),
        ("nan", {"atLeast": 5}, bad("the output is nan, not a number")),
        ("inf", {"atLeast": 5}, Answer(ok=True)),
        ("many\n", {"atMost": 5}, bad("the output many is not a number")),
    ],
)
def test_what_a_program_writes_is_looked_at(output: str, expect: Json, answer: Answer) -> None:
    assert probe(Pods(pod("a"), end=output), expect)() == answer


@pytest.mark.parametrize(
    ("end", "answer"),
    [
        (
            Permanent("count in shop/a/main: exit code 1:\n no orders"),
            bad("count in shop/a/main: exit code 1: no orders"),
        ),
        (Temporary("nobody says how it ended"), NoSample(why="nobody says how it ended")),
        (Denied("403; grant it in the gate's role"), NoSample(why="403; grant it in the gate's role")),
        (Absent("404: no such pod"), NoSample(why="404: no such pod")),
    ],
)
def test_a_program_that_fails_is_a_bad_answer_and_one_that_cannot_be_run_is_none(
    end: Exception, answer: Answer | NoSample
) -> None:
    assert probe(Pods(pod("a"), end=end))() == answer


def test_it_is_run_where_it_can_be_and_best_where_the_pod_is_ready() -> None:
    cluster = Pods(
        pod("a", deletionTimestamp="2026-11-21T12:00:00Z"),
        pod("b", running=False),
        pod("c", ready=False),
        pod("e"),
        pod("d"),
    )
    assert probe(cluster)() == Answer(ok=True)
    assert cluster.ran == [("d", ["count", "orders"])]
    unready = Pods(pod("c", ready=False))
    assert probe(unready)() == Answer(ok=True)
    assert unready.ran == [("c", ["count", "orders"])]


def test_where_no_such_container_runs_is_a_bad_answer() -> None:
    assert probe(Pods())() == bad("no container main runs in such a pod")
    assert probe(Pods(pod("a")), container="other")() == bad("no container other runs in such a pod")
    assert probe(Pods(pod("a", running=False)), labels={}, pod="a")() == bad("no container main runs in a")
    assert probe(Pods({"metadata": {"name": "a"}}), labels={}, pod="a")() == bad("no container main runs in a")


def test_a_program_that_never_ends_is_no_sample_and_holds_nobody_up() -> None:
    never = threading.Event()

    class Endless(Pods):
        def execute(
            self, namespace: str, pod: str, container: str, words: Sequence[str], *, changing: bool = True
        ) -> str:
            never.wait(20)
            return ""

    began = time.monotonic()
    answer = probe(Endless(pod("a")), timeout="100ms")()
    took = time.monotonic() - began
    never.set()
    assert answer == NoSample(why="count in main did not end within 100ms")
    assert took < 4


@pytest.mark.parametrize(
    ("settings", "expect"),
    [
        ({"run": []}, {}),
        ({"run": [""]}, {}),
        ({"run": "rm -rf /"}, {}),
        ({"labels": {}}, {}),
        ({"pod": "a"}, {}),
        ({"image": "a"}, {}),
        ({"image": "a", "labels": {}}, {}),
        ({"container": ""}, {}),
        ({"timeout": "0s"}, {}),
        ({}, {"output": "("}),
        ({}, {"equals": 1, "atLeast": 1}),
    ],
)
def test_a_block_that_is_wrong_is_refused_before_anything_is_run(settings: Json, expect: Json) -> None:
    with pytest.raises(Permanent, match="the command probe cannot be asked"):
        probe(Pods(), expect, **settings)


def test_programs_are_run_in_containers_that_are_really_there(sandbox: Ground, eventually: Eventually) -> None:
    sandbox.api.create("deployments", "default", deployment("web", "default"))
    around = replace(surroundings(sandbox.api), namespace="default")

    def asking(*run: str, **expect: Any) -> Asker:
        block = {"run": list(run), "container": "main", "labels": {"app": "web"}}
        return command.prepare(block, expect, around)

    eventually(lambda: asking("true")() == Answer(ok=True))
    assert asking("echo", "7", atLeast=7)() == Answer(ok=True, value=7)
    assert asking("echo", "$HOME; true", output=r"^\$HOME; true$")() == Answer(ok=True)
    failed = asking("false")()
    assert isinstance(failed, Answer)
    assert failed.detail.endswith("exit code 1")
    unknown = asking("no-such-program")()
    assert isinstance(unknown, NoSample)
    assert "executable file not found" in unknown.why


def rest() -> None:
    threading.Event().wait(0.05)


def test_a_container_of_its_own_is_asked_in_and_what_becomes_of_it_says_nothing_about_the_service(
    sandbox: Ground, eventually: Eventually
) -> None:
    kept: list[Undo] = []
    around = replace(
        surroundings(sandbox.api),
        namespace="default",
        run="the-run",
        what="probe orders",
        keep=kept.append,
        rest=rest,
    )
    block = {"run": ["sh", "-c", "echo $CHAOS_GATE_RUN"], "image": "web:1", "begins": "30s"}
    ask = command.prepare(block, {"output": "^the-run$"}, around)
    assert ask() == Answer(ok=True)
    (undo,) = kept
    assert companions.revert(undo, sandbox.api) == "it is removed"

    def is_gone() -> bool:
        answer = ask()
        return isinstance(answer, NoSample) and answer.why == "its container of web:1 does not run any more"

    eventually(is_gone)


def test_a_container_of_its_own_that_does_not_begin_is_refused_with_what_its_pod_says(sandbox: Ground) -> None:
    around = replace(surroundings(sandbox.api), namespace="default", keep=lambda _: None, rest=rest)
    with pytest.raises(Permanent, match=r"it was not there within 5s: main waits, (ErrImagePull|ImagePullBackOff)"):
        command.prepare({"run": ["true"], "image": "nowhere:1", "begins": "5s"}, {}, around)
