"""The worked example of a fault of one's own: lint takes it, it does what it says, and its revert takes that back."""

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from gate.cluster.workloads import Workloads
from gate.faults import ACTS
from gate.model import Step, WorkloadKind, WorkloadName
from gate.sandbox.kubernetes.runtime.images import Image
from gate.wire.by_hand import workflow_from
from tests import grounds
from tests.builders import deployment, service
from tests.faults.application import Application, Eventually
from tests.grounds import Ground

EXAMPLE = Path(__file__).parents[2] / "workflows" / "survives-flag-off.yaml"
FLAGS = """\
import os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
overrides, said = {}, open(sys.argv[1], "a", buffering=1)
class Flags(BaseHTTPRequestHandler):
    def do_GET(self): self.answer(overrides.get(self.path, b"on"))
    def do_PUT(self):
        overrides[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer()
    def do_DELETE(self):
        overrides.pop(self.path, None)
        self.answer()
    def answer(self, body=b""):
        print(self.command, self.path, sorted(overrides), file=said)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
ThreadingHTTPServer((os.environ["POD_IP"], 8080), Flags).serve_forever()
"""
"""Feature flags, and what they are asked."""


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ground, Path]]:
    """A sandbox that has the images, and where the flags write what they are asked."""
    place = tmp_path_factory.mktemp("own")
    said = place / "said"
    flags = Image(name="flags:1", argv=(sys.executable, "-E", "-S", "-B", "-c", FLAGS, str(said)))
    python = Image(name="python:3.12-alpine", argv=("sleep", "1000d"))
    with grounds.sandbox(place, more=[flags, python]) as (made, _):
        yield made, said


@pytest.fixture
def web(ground: tuple[Ground, Path], eventually: Eventually) -> Application:
    """The application, beside feature flags that answer."""
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    ground[0].ask("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    application = Application(ground=ground[0], namespace=namespace, eventually=eventually)
    api = application.api
    api.create("services", namespace, service("flags", namespace))
    api.create("deployments", namespace, deployment("flags", namespace, image="flags:1"))
    application.create()
    flags = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=namespace, name="flags")
    eventually(lambda: len(Workloads(api).ready_pods(flags)) == 1)
    return application


def the_step(web: Application) -> Step:
    (step,) = workflow_from([EXAMPLE], "", web.name, {"flag": "prices"}).steps
    return step


def test_a_step_has_what_the_fault_says_with_the_parameter_that_it_gives(web: Application) -> None:
    fault = next(yaml.safe_load_all(EXAMPLE.read_text()))
    step = the_step(web)
    assert step.fault == "job"
    assert step.settings == {**fault["spec"]["job"], "env": {"FLAG": "prices"}}


def test_it_is_planned_felt_and_taken_back_as_one_that_is_built_in(
    web: Application, ground: tuple[Ground, Path]
) -> None:
    step = the_step(web)
    (undo,) = ACTS[step.fault].plan(step, web.name, Workloads(web.api).ready_pods(web.name), "seed", web.api)
    web.inject(undo)
    web.feel(undo)
    web.revert(undo)
    web.revert(undo)
    asked = [line.split(maxsplit=2) for line in ground[1].read_text().splitlines()]
    overridden = [(method, overrides != "[]") for method, path, overrides in asked if path == "/overrides/prices"]
    assert overridden[:2] == [("PUT", True), ("GET", True)]
    assert overridden[-1] == ("DELETE", False)
    assert web.api.list("jobs", web.namespace)[0] == []
