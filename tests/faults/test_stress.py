"""Programs use something up beside the container's own process, and end by themselves if nobody ends them."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from gate.errors import Absent, NoProgram, Permanent, Temporary
from gate.faults import cpu_stress, memory_stress
from gate.model import Target, Undo
from tests.faults.application import Application, Eventually

on_the_sandbox = pytest.mark.parametrize("cluster", ["sandbox"], indirect=True)
"""No command can be run in containers that are played by kwok."""


@on_the_sandbox
def test_a_program_that_nobody_ends_ends_when_its_time_is_over(web: Application, eventually: Eventually) -> None:
    (undo,) = web.plan("cpu-stress")
    short = replace(undo, settings={**undo.settings, "seconds": 2})
    web.inject(short)
    assert web.programs()
    eventually(lambda: not web.programs())
    assert cpu_stress.prove(short, web.api) is None


@on_the_sandbox
def test_started_twice_it_runs_once_and_in_the_container_that_was_chosen(web: Application) -> None:
    (undo,) = web.plan("memory-stress", size="4Mi", container="beside")
    for _ in range(2):
        web.inject(undo)
    web.eventually(lambda: len(web.programs()) == 1)
    web.eventually(lambda: memory_stress.prove(undo, web.api))
    assert "MiB of memory are held in beside of Pod" in str(memory_stress.prove(undo, web.api))
    assert "were ended" in web.revert(undo)
    assert web.programs() == []


@on_the_sandbox
def test_it_lasts_longer_than_the_step_but_not_for_ever(web: Application) -> None:
    (undo,) = web.plan("cpu-stress")
    assert undo.settings["seconds"] == 31


@on_the_sandbox
def test_a_container_that_there_is_not_is_named_with_those_that_there_are(web: Application) -> None:
    with pytest.raises(Permanent, match='no container "mian"; it has main, beside'):
        web.plan("cpu-stress", container="mian")


@on_the_sandbox
def test_what_a_command_says_comes_back_with_how_it_ended(web: Application) -> None:
    pod = web.pods()[0]

    def sh(script: str) -> str:
        return web.api.execute(web.namespace, pod.name, "main", ["sh", "-c", script])

    assert sh("echo one; echo two") == "one\ntwo\n"
    with pytest.raises(Permanent, match=r"exit code 3.*: it is broken"):
        sh("echo it is broken >&2; exit 3")
    for program in ("no-such-program", "/nowhere/program"):
        with pytest.raises(NoProgram, match=program):
            web.api.execute(web.namespace, pod.name, "main", [program])
    with pytest.raises(Permanent):
        web.api.execute(web.namespace, "nobody", "main", ["true"])


def test_a_size_has_its_unit() -> None:
    with pytest.raises(ValidationError, match="write it like 256Mi"):
        memory_stress.Settings.model_validate({"size": 256})
    assert memory_stress.Settings.model_validate({"size": "2Gi"}).size == 2048


class Leaving:
    """A cluster whose pod is gone, or goes between the look at it and the command in it."""

    def __init__(self, pod: dict[str, Any] | None) -> None:
        self.pod = pod

    def get(self, resource: str, namespace: str, name: str) -> dict[str, Any] | None:
        return self.pod

    def execute(self, *_: object, changing: bool = True) -> str:
        raise Absent("no such pod")


@pytest.mark.parametrize("goes", ["before it is looked at", "after it was looked at"])
def test_what_is_gone_has_taken_the_program_along(goes: str) -> None:
    running = {
        "metadata": {"uid": "u"},
        "status": {"containerStatuses": [{"name": "main", "state": {"running": {}}}]},
    }
    leaving: Any = Leaving(running if goes.startswith("after") else None)
    target = Target(kind="Pod", namespace="shop", name="web-1", uid="u")
    settings = {"container": "main", "mark": "u-1", "seconds": 9, "arguments": []}
    undo = Undo(id="a/web-1", step="a", fault="cpu-stress", target=target, settings=settings)
    assert "nothing is left" in cpu_stress.revert(undo, leaving)
    assert cpu_stress.prove(undo, leaving) is None


@pytest.mark.parametrize("cluster", [pytest.param("real", marks=pytest.mark.cluster)], indirect=True)
def test_a_node_that_runs_no_command_is_an_error_that_may_pass(web: Application) -> None:
    """The real server takes the request over TLS, and finds no kubelet behind it."""
    with pytest.raises(Temporary):
        web.api.execute(web.namespace, web.pods()[0].name, "main", ["true"])
    with pytest.raises(Permanent, match="not found"):
        web.api.execute(web.namespace, "nobody", "main", ["true"])
