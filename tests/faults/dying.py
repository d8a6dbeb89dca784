"""An executor that is a process of its own, and kills itself with SIGKILL between two of its writes."""

import multiprocessing
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from gate.cluster.api import Api
from gate.cluster.runs import SPEC, RunJournal, Runs
from gate.cluster.workloads import Workloads
from gate.documents.target import HOST
from gate.faults import ACTS
from gate.model import Isolation, Probe, Run, RunSpec, Step, Version, Window, Workflow, Workload
from gate.running.background import Threads
from gate.running.ports import Answer, Asker, Surroundings, World
from gate.running.runner import execute
from gate.running.time import SystemClock
from tests.faults.application import Application

MOMENT = timedelta(milliseconds=200)
FINE = Probe(name="all is well", kind="fine", settings={"host": HOST}, every=MOMENT / 4, when=(Window.AFTER,))
PROCESSES = multiprocessing.get_context("forkserver")
"""Each child is forked from a process that has everything loaded, and no threads."""
PROCESSES.set_forkserver_preload([__name__])


@dataclass
class Fuse:
    """Kills this process right before its n-th write, counted from 0; None: never."""

    burns: int | None

    def __call__(self) -> None:
        if self.burns == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.burns:
            self.burns -= 1


@dataclass
class Fine:
    """The kind of probe: a service that nothing can harm."""

    Settings: type[BaseModel] = BaseModel
    Expect: type[BaseModel] = BaseModel

    def prepare(self, settings: Mapping[str, Any], expect: Mapping[str, Any], surroundings: Surroundings) -> Asker:
        return lambda: Answer(ok=True)


def begin(
    web: Application,
    name: str,
    fault: str,
    settings: Mapping[str, Any],
    isolation: Isolation = Isolation.NONE,
    *,
    hold: timedelta = MOMENT,
) -> Run:
    """A run of one short step, which nobody executes yet."""
    images = web.pods()[0].images
    step = Step(name="it breaks", fault=fault, settings=settings, hold=hold, recover=MOMENT)
    spec = RunSpec(
        workload=Workload(name=web.name, uid=web.read("deployments", "web")["metadata"]["uid"]),
        version=Version(images=images).key,
        images=images,
        workflow=Workflow(
            name="dies",
            baseline=timedelta(0),
            steady_state=(FINE,),
            steps=(step,),
            isolation=isolation,
            service="web" if isolation is Isolation.COPY else "",
        ),
        subscriptions=("web",),
        revision="r1",
        seed=name,
        deadline=datetime.now(UTC) + timedelta(minutes=5),
    )
    body = {
        "apiVersion": "chaosgate.dev/v1alpha1",
        "kind": "ChaosRun",
        "metadata": {"name": name},
        "spec": SPEC.write_new(spec),
    }
    web.api.create("chaosruns", web.namespace, body)
    return look(web, name)


def look(web: Application, name: str) -> Run:
    run = Runs(web.api).get(web.namespace, name)
    assert run is not None
    return run


def is_killed(web: Application, name: str, *, before_write: int | None) -> bool:
    """Execute the run in a process of its own; False if that came to its end."""
    place = (str(web.ground.kubeconfig), web.namespace, name)
    child = PROCESSES.Process(target=_execute, args=(*place, before_write))
    child.start()
    child.join(120)
    assert child.exitcode in {0, -signal.SIGKILL}, child.exitcode
    return child.exitcode != 0


def _execute(kubeconfig: str, namespace: str, name: str, before_write: int | None) -> None:
    api = Api.from_environment(kubeconfig).fenced(Fuse(before_write))
    run = Runs(api).get(namespace, name)
    assert run is not None
    clock = SystemClock()
    background = Threads(clock)
    world = World(
        cluster=api,
        workloads=Workloads(api),
        permission=lambda *_: None,
        clock=clock,
        background=background,
        resolve=str,
        faults=ACTS,
        probes={"fine": Fine()},
        loads={},
        run=name,
    )
    execute(run.spec, run.status, world, RunJournal(Runs(api), run), lambda: None)
    background.close()
